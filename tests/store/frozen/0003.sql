-- A result database of schema 0003 (lsn 0.2), frozen: later versions must be able to read it.
BEGIN TRANSACTION;
CREATE TABLE array (
	run_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	step INTEGER NOT NULL, 
	dtype VARCHAR NOT NULL, 
	shape JSON NOT NULL, 
	data BLOB NOT NULL, 
	CONSTRAINT pk_array PRIMARY KEY (run_id, name, step), 
	CONSTRAINT fk_array_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "array" VALUES(1,'noise_transition_counts',1000,'<i8','[2, 2]',X'789C63668000460654C002A50100B80009');
CREATE TABLE artifact (
	run_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	path TEXT NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	bytes BIGINT NOT NULL, 
	CONSTRAINT pk_artifact PRIMARY KEY (run_id, name), 
	CONSTRAINT fk_artifact_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "artifact" VALUES(1,'weights','0123456789abcdef0123/final.safetensors','0000000000000000000000000000000000000000000000000000000000000000',12);
CREATE TABLE claim (
	"key" VARCHAR NOT NULL, 
	token VARCHAR NOT NULL, 
	host VARCHAR NOT NULL, 
	pid INTEGER NOT NULL, 
	machine VARCHAR, 
	process_start BIGINT, 
	since DATETIME NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	CONSTRAINT pk_claim PRIMARY KEY ("key")
);
INSERT INTO "claim" VALUES('fedcba98765432100000','5d1f0c6a9be24b7f8a3e0d94c2b71e66','ada',4711,'0d3c1a52-6f0e-4b8e-9a55-2d4b6f1c7e90 4026531836',123456,'2025-01-02 04:00:00.000000','2025-01-02 04:00:05.250000');
CREATE TABLE computation (
	name VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	params JSON NOT NULL, 
	dtype VARCHAR NOT NULL, 
	shape JSON NOT NULL, 
	data BLOB NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_computation PRIMARY KEY (name, digest)
);
INSERT INTO "computation" VALUES('loss-curves','6ec8a8d0c0ab2153e6c10521c2a5a07ba7dbacc04224921e6973b844a49771a4','{"alpha": 0.2, "points": 3}','<f8','[1, 3]',X'789C6360008107F6608AE10394667000001FDE028F','2025-01-03 03:04:05.000000');
CREATE TABLE lsn_schema_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT lsn_schema_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "lsn_schema_version" VALUES('0003');
CREATE TABLE metric (
	run_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	step INTEGER NOT NULL, 
	value DOUBLE, 
	CONSTRAINT pk_metric PRIMARY KEY (run_id, name, step), 
	CONSTRAINT fk_metric_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "metric" VALUES(1,'test_accuracy',500,0.9375);
INSERT INTO "metric" VALUES(1,'test_accuracy',1000,0.875);
INSERT INTO "metric" VALUES(1,'test_loss',500,0.25);
INSERT INTO "metric" VALUES(1,'test_loss',1000,NULL);
INSERT INTO "metric" VALUES(1,'test_nll',1000,9e999);
INSERT INTO "metric" VALUES(2,'test_accuracy',500,0.5);
CREATE TABLE provenance (
	run_id INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	data JSON NOT NULL, 
	CONSTRAINT pk_provenance PRIMARY KEY (run_id, attempt), 
	CONSTRAINT fk_provenance_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "provenance" VALUES(1,1,'{"device": "cpu", "packages": {"torch": "2.9.0"}}');
INSERT INTO "provenance" VALUES(2,1,'{"device": "cpu"}');
CREATE TABLE run (
	id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	title TEXT, 
	spec JSON NOT NULL, 
	status VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	seconds FLOAT, 
	steps INTEGER NOT NULL, 
	final_step INTEGER, 
	error TEXT, 
	traceback TEXT, 
	CONSTRAINT pk_run PRIMARY KEY (id)
);
INSERT INTO "run" VALUES(1,'0123456789abcdef0123','Quick start','{"data": {"name": "digits"}, "noise": {"name": "symmetric", "params": {"rate": 0.2}}, "model": {"name": "mlp"}, "loss": {"name": "label-smoothing", "params": {"alpha": 0.1}}, "train": {"steps": 1000, "optimizer": {"name": "sgd"}}, "seed": 0}','done','2025-01-02 03:04:05.000000','2025-01-02 03:04:05.000000','2025-01-02 03:04:17.500000',12.5,1000,1000,NULL,NULL);
INSERT INTO "run" VALUES(2,'fedcba98765432100000',NULL,'{"data": {"name": "digits"}, "noise": {"name": "none"}, "model": {"name": "mlp"}, "loss": {"name": "backward-correction", "params": {"alpha": 0.9}}, "train": {"steps": 1000, "optimizer": {"name": "sgd"}}, "seed": 1}','diverged','2025-01-02 04:00:00.000000','2025-01-02 04:00:00.000000','2025-01-02 04:00:09.250000',9.25,1000,731,'the loss is not finite after step 731',NULL);
CREATE TABLE stand_in (
	name VARCHAR NOT NULL, 
	stands_in_for VARCHAR NOT NULL, 
	CONSTRAINT pk_stand_in PRIMARY KEY (name)
);
INSERT INTO "stand_in" VALUES('cifar10-jpeg','cifar10');
CREATE UNIQUE INDEX ix_run_key ON run ("key");
COMMIT;
