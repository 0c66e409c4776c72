-- Runs of trained.toml in schema 0003, frozen: later versions must report them and go on with them.
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
INSERT INTO "array" VALUES(1,'noise_transition_counts',0,'<i8','[2, 2]',X'789CE36080002628CD0CA5D9A1340001B80015');
INSERT INTO "array" VALUES(2,'noise_transition_counts',0,'<i8','[2, 2]',X'789CE36080002628CD0CA5D9A1340001B80015');
INSERT INTO "array" VALUES(3,'noise_transition_counts',0,'<i8','[2, 2]',X'789CE36080002628CD0CA5D9A1340001B80015');
INSERT INTO "array" VALUES(4,'noise_transition_counts',0,'<i8','[2, 2]',X'789CE36080002628CD0CA5D9A1340001B80015');
CREATE TABLE artifact (
	run_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	path TEXT NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	bytes BIGINT NOT NULL, 
	CONSTRAINT pk_artifact PRIMARY KEY (run_id, name), 
	CONSTRAINT fk_artifact_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
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
INSERT INTO "metric" VALUES(1,'test_accuracy',10,0.25);
INSERT INTO "metric" VALUES(1,'test_accuracy',20,0.5);
INSERT INTO "metric" VALUES(1,'test_nll',10,1.75);
INSERT INTO "metric" VALUES(1,'test_nll',20,1.5);
INSERT INTO "metric" VALUES(2,'test_accuracy',10,0.25);
INSERT INTO "metric" VALUES(2,'test_accuracy',20,0.625);
INSERT INTO "metric" VALUES(2,'test_nll',10,1.75);
INSERT INTO "metric" VALUES(2,'test_nll',20,1.375);
INSERT INTO "metric" VALUES(3,'test_accuracy',10,0.25);
INSERT INTO "metric" VALUES(3,'test_accuracy',20,0.75);
INSERT INTO "metric" VALUES(3,'test_nll',10,1.75);
INSERT INTO "metric" VALUES(3,'test_nll',20,1.25);
INSERT INTO "metric" VALUES(4,'test_accuracy',10,0.25);
INSERT INTO "metric" VALUES(4,'test_nll',10,1.75);
CREATE TABLE provenance (
	run_id INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	data JSON NOT NULL, 
	CONSTRAINT pk_provenance PRIMARY KEY (run_id, attempt), 
	CONSTRAINT fk_provenance_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "provenance" VALUES(1,1,'{"device": "cpu", "packages": {"torch": "2.9.0"}}');
INSERT INTO "provenance" VALUES(2,1,'{"device": "cpu", "packages": {"torch": "2.9.0"}}');
INSERT INTO "provenance" VALUES(3,1,'{"device": "cpu", "packages": {"torch": "2.9.0"}}');
INSERT INTO "provenance" VALUES(4,1,'{"device": "cpu", "packages": {"torch": "2.9.0"}}');
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
INSERT INTO "run" VALUES(1,'ef4a96914a64378c59ab','Frozen','{"data": {"name": "digits", "train_size": 200, "test_size": 100}, "noise": {"name": "symmetric", "params": {"rate": 0.2}}, "model": {"name": "mlp", "params": {"hidden": [8]}}, "loss": {"name": "standard"}, "train": {"steps": 20, "batch_size": 50, "optimizer": {"name": "sgd"}, "evaluations": 2}, "seed": 0}','done','2025-02-01 10:00:00.000000','2025-02-01 10:00:00.000000','2025-02-01 10:00:02.500000',2.5,20,20,NULL,NULL);
INSERT INTO "run" VALUES(2,'565d8c36956660502d08','Frozen','{"data": {"name": "digits", "train_size": 200, "test_size": 100}, "noise": {"name": "symmetric", "params": {"rate": 0.2}, "seed": 1}, "model": {"name": "mlp", "params": {"hidden": [8]}}, "loss": {"name": "standard"}, "train": {"steps": 20, "batch_size": 50, "optimizer": {"name": "sgd"}, "evaluations": 2}, "seed": 1}','done','2025-02-02 10:00:00.000000','2025-02-02 10:00:00.000000','2025-02-02 10:00:02.500000',2.5,20,20,NULL,NULL);
INSERT INTO "run" VALUES(3,'3fbdc2a9272d4c078a2e','Frozen','{"data": {"name": "digits", "train_size": 200, "test_size": 100}, "noise": {"name": "symmetric", "params": {"rate": 0.2}}, "model": {"name": "mlp", "params": {"hidden": [8]}}, "loss": {"name": "label-smoothing", "params": {"alpha": 0.25}}, "train": {"steps": 20, "batch_size": 50, "optimizer": {"name": "sgd"}, "evaluations": 2}, "seed": 0}','done','2025-02-03 10:00:00.000000','2025-02-03 10:00:00.000000','2025-02-03 10:00:02.500000',2.5,20,20,NULL,NULL);
INSERT INTO "run" VALUES(4,'b45dac2850e6edf7ff8b','Frozen','{"data": {"name": "digits", "train_size": 200, "test_size": 100}, "noise": {"name": "symmetric", "params": {"rate": 0.2}, "seed": 1}, "model": {"name": "mlp", "params": {"hidden": [8]}}, "loss": {"name": "label-smoothing", "params": {"alpha": 0.25}}, "train": {"steps": 20, "batch_size": 50, "optimizer": {"name": "sgd"}, "evaluations": 2}, "seed": 1}','interrupted','2025-02-04 10:00:00.000000','2025-02-04 10:00:00.000000','2025-02-04 10:00:02.500000',1.25,20,10,NULL,NULL);
CREATE TABLE stand_in (
	name VARCHAR NOT NULL, 
	stands_in_for VARCHAR NOT NULL, 
	CONSTRAINT pk_stand_in PRIMARY KEY (name)
);
CREATE UNIQUE INDEX ix_run_key ON run ("key");
COMMIT;
