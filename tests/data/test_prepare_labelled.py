"""Images whose labels stand in a CSV file become the same data set as in folders of classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lsncli.data import stored
from lsncli.data.context import DataContext
from lsncli.data.prepare import prepare
from lsncli.errors import LsnError

Files = dict[str, bytes]
Write = Callable[..., Path]
Refused = Callable[..., LsnError]


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "labels.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def flat_name(name: str) -> str:
    """Of ``train/cat/0.png``: ``cat-0-train.png``, so that files sort as they do in folders."""
    split, label, base = name.split("/")
    return f"{label}-{base.removesuffix('.png')}-{split}.png"


@pytest.fixture
def flat(files: Files) -> Files:
    """The images of ``files`` in one folder."""
    return {flat_name(name): data for name, data in files.items()}


@pytest.fixture
def rows(files: Files) -> list[str]:
    """What ``files`` says by folders, as rows of a CSV file."""
    return [",".join((flat_name(name), name.split("/")[1], name.split("/")[0])) for name in files]


def table(rows: list[str], header: str = "file,label,split") -> str:
    return "\n".join([header, *rows, ""])


def test_the_same_set_as_from_class_folders(
    context: DataContext, files: Files, flat: Files, rows: list[str], folder: Write, zipped: Write, csv: Write
) -> None:
    expected = prepare("folders", folder(files, "folders"), context).meta
    below = {f"deep/er/{name}": data for name, data in flat.items()}
    sources = [folder(flat, "flat"), folder(below, "below"), zipped(below)]
    spellings = [
        (table(rows), "utf-8"),
        (table(rows[::-1]), "utf-8-sig"),
        (table([row.replace(",", ";") for row in rows], "File;Label;Split"), "utf-8"),
        (table([f"x\t{row.replace(',', chr(9))}" for row in rows], "id\tfile\tlabel\tsplit"), "utf-8"),
        (table([f"./{row}" for row in rows]).replace("\n", "\r\n\r\n"), "utf-8"),
    ]
    for i, source in enumerate(sources):
        for j, (text, encoding) in enumerate(spellings):
            result = prepare(f"set-{i}-{j}", source, context, labels=csv(text, encoding))
            assert (result.meta.digest, result.notes) == (expected.digest, ())


def test_the_folders_say_the_split(
    context: DataContext, files: Files, flat: Files, folder: Write, csv: Write
) -> None:
    expected = prepare("folders", folder(files, "folders"), context).meta
    places = {flat_name(name): f"pictures/{name.split('/')[0]}/{flat_name(name)}" for name in files}
    source = folder({places[name]: data for name, data in flat.items()}, "split")
    rows = [f"{flat_name(name)},{name.split('/')[1]}" for name in files]
    assert prepare("mine", source, context, labels=csv(table(rows, "file,label"))).meta.digest == expected.digest


def test_images_that_are_not_named_are_left_out_and_counted(
    context: DataContext, flat: Files, rows: list[str], folder: Write, csv: Write
) -> None:
    source = folder(flat | {"list.txt": b"no image", ".hidden.png": b"x"})
    labels = csv(table([row for row in rows if not row.startswith(("cat-0-train", "dog-1-test"))]))
    result = prepare("mine", source, context, labels=labels)
    assert (result.meta.train_size, result.meta.test_size) == (8, 5)
    assert result.notes == ("2 images of the source not named in labels.csv, and left out",)


def test_classes_that_are_numbers_are_in_the_order_of_their_values(
    context: DataContext, png: Callable[..., bytes], folder: Write, csv: Write
) -> None:
    classes = ["9", "10", "2", "0", "100"]
    rows = [f"{label}-{split}.png,{label},{split}" for label in classes for split in ("train", "test")]
    images = {row.split(",")[0]: png(i) for i, row in enumerate(rows)}
    result = prepare("mine", folder(images), context, labels=csv(table(rows)))
    assert result.meta.class_names == ("0", "2", "9", "10", "100")
    folders = {f"{split}/{label}/0.png": png(0) for label in classes for split in ("train", "test")}
    assert prepare("yours", folder(folders, "f"), context).meta.class_names == ("0", "2", "9", "10", "100")
    mixed = {name.replace("/2/", "/two/"): data for name, data in folders.items()}
    assert prepare("theirs", folder(mixed, "m"), context).meta.class_names == ("0", "10", "100", "9", "two")


def test_a_file_is_found_by_the_end_of_its_path_where_no_other_ends_so(
    context: DataContext, refused: Refused, png: Callable[..., bytes], folder: Write, csv: Write
) -> None:
    rows = ["a/0.png,cat,train", "b/0.png,dog,train", "a/1.png,cat,test", "1b.png,dog,test"]
    names = ["x/a/0.png", "x/b/0.png", "x/a/1.png", "x/b/1b.png"]
    source = folder({name: png(i) for i, name in enumerate(names)})
    labels = csv(table(["0.png,cat,train", *rows[1:]]))
    error = refused(source, "'0.png' may be any of 2 files: 'x/a/0.png', 'x/b/0.png'", labels=labels)
    assert error.where == f"{labels}:2"
    result = prepare("mine", source, context, labels=csv(table(rows)))
    assert stored.load(result.folder).train_labels.tolist() == [0, 1]
    # A file at the top goes before one that ends so.
    (source / "0.png").write_bytes(png(9))
    prepare("yours", source, context, labels=csv(table(["0.png,cat,train", *rows[1:]])))


@pytest.mark.parametrize(
    ("text", "match", "line"),
    [
        ("", "does not say which column is what", 1),
        ("image,class\n", r"its first line: 'image,class'", 1),
        ("file,label,file\na.png,cat,b.png\n", "two columns 'file'", 1),
        ("file,label,split\n", "no row below its header", None),
        ("file,label,split\ncat-0-train.png,,train\n", "has no label", 2),
        ("file,label,split\n\n,cat,train\n", "has no file", 3),
        ("file,label,split\ncat-0-train.png,cat,val\n", "is of the split 'val'", 2),
        ("file,label\ncat-0-train.png,cat\n", "nothing says whether 'cat-0-train.png' is for training", 2),
        ("file,label,split\nfox.png,cat,train\n", "names 'fox.png', which 'images' has not", 2),
        ("file,label,split\n../images/cat-0-train.png,cat,train\n", "which 'images' has not", 2),
        ("file,label,split\nlist.txt,cat,train\n", "'list.txt' is not an image", 2),
        (
            "file,label,split\ncat-0-train.png,cat,train\ndog-0-train.png,dog,train\n",
            "no image of the split test",
            None,
        ),
    ],
)
def test_refusals(
    text: str, match: str, line: int | None, refused: Refused, flat: Files, folder: Write, csv: Write
) -> None:
    labels = csv(text)
    error = refused(folder(flat | {"list.txt": b"no image"}), match, labels=labels)
    assert error.where == (f"{labels}:{line}" if line else str(labels))


def test_more_refusals(
    refused: Refused, flat: Files, rows: list[str], folder: Write, csv: Write, tmp_path: Path
) -> None:
    source = folder(flat)
    error = refused(
        source, "names 'cat-0-train.png' twice", labels=csv(table([*rows, rows[0].replace("cat,", "dog,")]))
    )
    assert error.where == f"{tmp_path / 'labels.csv'}, lines 2 and {len(rows) + 2}"
    error = refused(source, "only in train/: 'emu'", labels=csv(table([r for r in rows if "emu,test" not in r])))
    assert "class folder" not in str(error)
    refused(
        source, "no CSV file in UTF-8", labels=csv(table([r.replace("emu,", "émeu,") for r in rows]), "latin-1")
    )
    refused(source, "cannot read the label file: No such file", labels=tmp_path / "none.csv")
    refused(source, "cannot read the label file: Is a directory", labels=tmp_path)


def test_links_that_lead_in_a_circle_end(
    context: DataContext, flat: Files, rows: list[str], folder: Write, csv: Write
) -> None:
    source = folder({f"images/{name}": data for name, data in flat.items()}, "linked")
    (source / "images" / "again").symlink_to(source)
    assert prepare("mine", source, context, labels=csv(table(rows))).meta.train_size == 9
