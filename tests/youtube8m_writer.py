"""An independent writer of TFRecord shards: wire bytes by hand, CRC32C from its definition.

It shares nothing with the package: no protobuf, no google-crc32c.
"""

import struct


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)  # Castagnoli, reflected
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + 0xA282EAD8) % 2**32)


def framed(payload):
    length = struct.pack("<Q", len(payload))
    return length + masked(length) + payload + masked(payload)


def write_shard(path, payloads):
    path.write_bytes(b"".join(framed(payload) for payload in payloads))
    return path


def varint(number):
    number %= 2**64  # negative numbers are ten bytes of two's complement
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def block(number, content):
    """Field of wire type 2: its tag, how long it is, the content."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def bytes_feature(*values):
    return block(1, b"".join(block(1, value) for value in values))


def float_feature(values, *, packed=True):
    raw = [struct.pack("<f", value) for value in values]
    if packed:
        return block(2, block(1, b"".join(raw)))
    return block(2, b"".join(varint(1 << 3 | 5) + value for value in raw))


def int_feature(values, *, packed=True):
    raw = [varint(int(value)) for value in values]
    if packed:
        return block(3, block(1, b"".join(raw)))
    return block(3, b"".join(varint(1 << 3) + value for value in raw))


def mapping(entries):
    return b"".join(
        block(1, block(1, key.encode()) + block(2, value)) for key, value in entries.items()
    )


def example(features):
    return block(1, mapping(features))


def sequence_example(context, lists):
    lists = {
        name: b"".join(block(1, feature) for feature in features)
        for name, features in lists.items()
    }
    return block(1, mapping(context)) + block(2, mapping(lists))


def video_level(name=b"abcd", labels=(3, 7), rgb=None, audio=None, **changes):
    """Video-level payload of values or whole features; one that is None is left out."""
    features = {
        "id": bytes_feature(name),
        "labels": labels if labels is None or isinstance(labels, bytes) else int_feature(labels),
        "mean_rgb": float_feature([0.5] * 1024 if rgb is None else rgb),
        "mean_audio": float_feature([-0.25] * 128 if audio is None else audio),
    }
    features.update(changes)
    return example({key: value for key, value in features.items() if value is not None})


def frame_level(name=b"abcd", labels=(3, 7), rgb=(), audio=(), context=()):
    """Frame-level payload of frames given as bytes; a list that is None is left out."""
    head = {"id": bytes_feature(name), "labels": int_feature(labels), **dict(context)}
    lists = {
        key: [bytes_feature(frame) for frame in frames]
        for key, frames in {"rgb": rgb, "audio": audio}.items()
        if frames is not None
    }
    return sequence_example(head, lists)
