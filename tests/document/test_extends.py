import os
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, BeforeValidator, Field

from relayload.core.errors import AuthorError
from relayload.document import Document, Shape, load_extended


class Timeouts(BaseModel):
    total: int | None = 600
    gap: int = 5


class Model(BaseModel):
    seed: int = 0
    timeouts: Timeouts = Timeouts()
    scenarios: dict[str, dict[str, Any]] = {}
    stages: list[int] = []
    ca_file: Annotated[Path, BeforeValidator(str)] | None = None
    key: str = Field("", alias="api_key")


def read(folder: Path, name: str = "top.yaml", **environ: str) -> Document:
    return load_extended(folder / name, Shape(Model), lambda text: text.replace("$B", environ.get("B", "")))


def faults(folder: Path, name: str = "top.yaml") -> list[str]:
    with pytest.raises(AuthorError) as caught:
        read(folder, name)
    return [str(fault).replace(f"{folder}/", "") for fault in caught.value.faults]


@pytest.fixture
def write(tmp_path):
    def write(**texts: str) -> Path:
        for name, text in texts.items():
            path = tmp_path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("base", "top", "merged"),
    [
        ("seed: 1", "{}", {"seed": 1}),
        ("seed: 1", "seed: 2", {"seed": 2}),
        ("timeouts: {total: 1, gap: 2}", "timeouts: {gap: 3}", {"timeouts": {"total": 1, "gap": 3}}),
        ("stages: [1, 2, 3]", "stages: [4]", {"stages": [4]}),
        ("timeouts: {gap: 2}", "timeouts: 5", {"timeouts": 5}),
        ("timeouts: 5", "timeouts: {gap: 2}", {"timeouts": {"gap": 2}}),
        ("scenarios: {a: {x: 1}, b: {x: 2}}", "scenarios: {a: null}", {"scenarios": {"b": {"x": 2}}}),
        ("timeouts: {total: 9, gap: 2}", "timeouts: {total: null}", {"timeouts": {"total": None, "gap": 2}}),
        ("timeouts: {total: 9, gap: 2}", "timeouts: {gap: null}", {"timeouts": {"total": 9}}),
        ("seed: 1", "scenarios: {a: null}", {"seed": 1, "scenarios": {"a": None}}),
        ("scenarios: {a: {stop: x}}", "scenarios: {a: {stop: null}}", {"scenarios": {"a": {"stop": None}}}),
    ],
    ids=str,
)
def test_mappings_merge_and_everything_else_is_replaced(write, base, top, merged):
    folder = write(base=base, top="extends: base.yaml\n" + ("" if top == "{}" else top))
    assert read(folder).data == merged


def test_the_last_of_several_bases_has_the_last_word_and_the_file_itself_goes_before_all(write):
    folder = write(
        a="seed: 1\nstages: [1]\nscenarios: {a: {}}",
        b="seed: 2\nstages: [2]\nscenarios: {b: {}}",
        top="extends: [a.yaml, b.yaml]\nseed: 3\nscenarios: {c: {}}",
    )
    document = read(folder)
    assert document.data == {"seed": 3, "stages": [2], "scenarios": {"a": {}, "b": {}, "c": {}}}
    assert list(document.data["scenarios"]) == ["a", "b", "c"]


def test_a_base_may_extend_others_and_two_may_share_one(write):
    folder = write(root="seed: 1", a="extends: root.yaml", b="extends: root.yaml", top="extends: [a.yaml, b.yaml]")
    assert read(folder).data == {"seed": 1}


def test_files_are_found_from_the_one_that_names_them(write):
    folder = write(top="extends: lib/mid.yaml", lib__mid="extends: base.yaml", lib__base="seed: 5")
    assert read(folder).data == {"seed": 5}


def test_a_name_may_hold_a_variable(write):
    folder = write(top="extends: $B.yaml", base="seed: 5")
    assert read(folder, B="base").data == {"seed": 5}


def test_relative_paths_of_a_base_keep_pointing_where_they_did(write):
    folder = write(
        top="extends: lib/mid.yaml",
        lib__mid="extends: deep/base.yaml",
    )
    (folder / "lib" / "deep").mkdir()
    (folder / "lib" / "deep" / "base.yaml").write_text("ca_file: ca.pem\napi_key: ${file:key} ${file:~/k} $${file:x}\n")
    assert read(folder).data == {
        "ca_file": "lib/deep/ca.pem",
        "api_key": "${file:lib/deep/key} ${file:~/k} $${file:x}",
    }


@pytest.mark.parametrize("path", ["/etc/ca.pem", "${env:CA}"])
def test_a_path_that_does_not_start_from_the_base_stays_as_it_is(write, path):
    assert read(write(top="extends: lib/b.yaml", lib__b=f"ca_file: {path}")).data == {"ca_file": path}


def test_every_value_keeps_its_place(write):
    folder = write(base="\n\nseed: 1\ntimeouts: {gap: 2}\nstages: [1, 2]", top="extends: base.yaml\nstages: [3]")
    document = read(folder)
    told = [
        document.fault(location, "bad") for location in (("seed",), ("timeouts", "gap"), ("stages", 0), ("stages", 1))
    ]
    assert [str(fault).replace(f"{folder}/", "") for fault in told] == [
        "base.yaml:3:7: seed: bad",
        "base.yaml:4:17: timeouts.gap: bad",
        "top.yaml:2:10: stages.0: bad",
        "top.yaml:2:1: stages.1: bad",
    ]


def test_what_yaml_lets_through_is_told_of_every_file_once(write):
    folder = write(base="seed: 010\n", a="extends: base.yaml", top="extends: [a.yaml, base.yaml]\nstages: no")
    told = [str(fault).replace(f"{folder}/", "")[:22] for fault in read(folder).faults]
    assert told == ["base.yaml:1:7: seed: '", "top.yaml:2:9: stages: "]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (
            {"top": "seed: 1\nextends: absent.yaml"},
            ["top.yaml:2:10: extends: absent.yaml: cannot be read: No such file or directory"],
        ),
        (
            {"top": "extends: [a.yaml, b.yaml]\nseed: no", "a": "x: [", "b": ""},
            [
                "top.yaml:2:7: seed: 'no' is false in YAML 1.1: write false, or 'no' in quotes for the word",
                "a.yaml:1:4: not valid YAML: the '[' that begins here is not closed: write ']'",
                "top.yaml:1:19: extends.1: b.yaml: the file is empty",
            ],
        ),
        (
            {"top": "extends: top.yaml"},
            ["top.yaml:1:10: extends: extends itself: top.yaml extends top.yaml"],
        ),
        (
            {"top": "extends: a.yaml", "a": "seed: 1\nextends: [top.yaml]"},
            ["a.yaml:2:11: extends.0: extends itself: top.yaml extends a.yaml extends top.yaml"],
        ),
        ({"top": "extends: a.yaml", "a": "[1]"}, ["top.yaml:1:10: extends: a.yaml: holds no mapping"]),
        (
            {"top": "extends: https://example.com/base.yaml"},
            ["top.yaml:1:10: extends: expected a local file, not an address: fetch it first"],
        ),
        *(
            (
                {"top": f"extends: {value}"},
                [f"top.yaml:1:{place}: expected the path of a file such as 'base.yaml', or a list of them"],
            )
            for value, place in (
                ("5", "10: extends"),
                ("[]", "10: extends"),
                ("{}", "10: extends"),
                ("['']", "11: extends.0"),
            )
        ),
    ],
    ids=str,
)
def test_what_cannot_be_extended_is_a_fault_where_it_is_named(write, texts, expected):
    assert faults(write(**texts)) == expected


def test_files_that_double_without_end_are_stopped(write):
    texts = {f"f{n}": f"extends: [f{n + 1}.yaml, f{n + 1}.yaml]" for n in range(9)}
    folder = write(**texts, f9="seed: 1")
    assert faults(folder, "f0.yaml")[0].endswith("extends more than 100 files")


SHADOW = "root:$6$salt$hash:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SHADOW, "top.yaml:1:10: extends: secret: has none of the keys that may stand here"),
        (
            "[credentials]\nkey = s3cret\n",
            "secret:2:1: not valid YAML: nothing may come after what is complete above it",
        ),
        ("password: *s3cret", "secret:1:11: not valid YAML: no anchor '…' comes before this"),
        ("s3cret", "top.yaml:1:10: extends: secret: holds no mapping"),
        ("s" * ((4 << 20) + 1), "top.yaml:1:10: extends: secret: cannot be read: it is larger than 4 MB"),
    ],
)
def test_nothing_is_repeated_of_a_file_that_is_no_base(write, content, said):
    folder = write(top="extends: secret")
    (folder / "secret").write_text(content)
    assert faults(folder) == [said]


def test_a_base_is_a_regular_file(write):
    folder = write(top="extends: [pipe, /dev/zero, .]")
    os.mkfifo(folder / "pipe")
    assert [fault.rpartition(": ")[2] for fault in faults(folder)] == [
        "it is not a regular file",
        "it is not a regular file",
        "Is a directory",
    ]


def test_what_a_shell_pipes_in_may_be_read_itself(write):
    folder = write()
    os.mkfifo(folder / "top.yaml")
    shell = Thread(target=(folder / "top.yaml").write_text, args=("seed: 1",))
    shell.start()
    assert read(folder).data == {"seed": 1}
    shell.join()
