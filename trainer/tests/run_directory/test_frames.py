"""The bytes of a segment, written down; and back again."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srft.run_directory.frames import (
    BrokenRecordError,
    RecordKind,
    base_columns,
    decode_frame,
    decode_sequence,
    encode_header,
    encode_sequence,
    pull_column,
)
from srft.wire import Column

COLUMNS = [*base_columns(), pull_column("self")]
PLAIN = [column.model_dump() for column in COLUMNS]


def test_a_record_byte_by_byte():
    columns = [
        Column(name="text", dtype="u8", unit=None, per="byte"),
        Column(name="id", dtype="u32", unit=None, per="token"),
        Column(name="logprob", dtype="f32", unit="nat", per="token"),
        Column(name="byte_length", dtype="u16", unit="byte", per="token"),
    ]
    record = encode_sequence(RecordKind.ROLLOUT, columns, [b"a\xff", b"", b"bcd"], {"id": [1, 2, 258]})
    body = (
        bytes.fromhex("02000000")  # kind: rollout
        + bytes.fromhex("03000000 05000000")  # 3 tokens, 5 bytes of text
        + bytes.fromhex("0b00000000000000")  # columns 0, 1 and 3 are here
        + b"a\xffbcd\0\0\0"
        + bytes.fromhex("01000000 02000000 02010000 00000000")
        + bytes.fromhex("0200 0000 0300 0000")
    )
    assert record == b"SRFT" + bytes.fromhex("30000000") + zlib.crc32(body).to_bytes(4, "little") + body


def test_a_header_is_json_filled_with_spaces():
    record = encode_header(COLUMNS)
    kind, payload = decode_frame(record)
    assert (kind, len(record) % 8) == (RecordKind.HEADER, 0)
    assert json.loads(payload)["columns"] == PLAIN
    assert json.loads(payload)["format"] == "1.0"


def finite_f32():
    return st.floats(width=32)


@given(
    st.lists(
        st.tuples(st.binary(max_size=9), st.integers(0, 2**32 - 1), finite_f32(), st.integers(0, 1), finite_f32())
    ),
    st.sampled_from(list(RecordKind)[1:]),
    st.sets(st.sampled_from(["logprob", "origin", "pull/self"])),
)
def test_what_is_encoded_comes_back(tokens, kind, present):
    words = [token[0] for token in tokens]
    given_values = {
        "id": np.array([token[1] for token in tokens], np.uint32),
        "logprob": np.array([token[2] for token in tokens], np.float32),
        "origin": np.array([token[3] for token in tokens], np.uint8),
        "pull/self": np.array([token[4] for token in tokens], np.float32),
    }
    values = {name: value for name, value in given_values.items() if name == "id" or name in present}
    record = encode_sequence(kind, COLUMNS, words, values)
    assert len(record) % 8 == 0
    found_kind, payload = decode_frame(record)
    back = decode_sequence(found_kind, payload, PLAIN)
    assert (back.kind, back.tokens, back.text) == (kind, len(words), b"".join(words))
    assert back.values.keys() == {*values, "byte_length"}
    assert list(back.values["byte_length"]) == [len(word) for word in words]
    for name, value in values.items():
        assert back.values[name].tobytes() == value.tobytes()


@given(st.data())
def test_any_flipped_bit_is_noticed(data):
    record = bytearray(encode_sequence(RecordKind.PROMPT, COLUMNS, [b"abc", b"d"], {"id": [7, 8]}))
    bit = data.draw(st.integers(0, 8 * len(record) - 1))
    record[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BrokenRecordError):
        decode_frame(bytes(record))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "too few"),
        (b"SRFT" + bytes(11), "too few"),
        (b"GGUF" + bytes(12), "no record begins here"),
        (encode_header(COLUMNS)[:-8], "the record says"),
        (encode_header(COLUMNS) + bytes(8), "the record says"),
    ],
)
def test_what_is_no_record_is_told_apart(data, says):
    with pytest.raises(BrokenRecordError, match=says):
        decode_frame(data)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"id": [1, 2]}, "column id has shape"),
        ({"id": [1], "pull/other": [0.5]}, "declares no column pull/other"),
        ({"id": [1], "logprob": [[0.5]]}, "column logprob has shape"),
    ],
)
def test_wrong_columns_are_refused(values, says):
    with pytest.raises(ValueError, match=says):
        encode_sequence(RecordKind.ROLLOUT, COLUMNS, [b"a"], values)


def test_a_token_of_65536_bytes_is_refused():
    with pytest.raises(ValueError, match="65536"):
        encode_sequence(RecordKind.ROLLOUT, COLUMNS, [b"a" * 65536], {"id": [1]})
