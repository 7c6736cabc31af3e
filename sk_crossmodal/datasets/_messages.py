"""The protobuf message of a YouTube-8M record, without TensorFlow.

`tf.train.Example` is one field, ``Features features = 1``; `tf.train.SequenceExample` is
``Features context = 1`` and ``FeatureLists feature_lists = 2``. So an Example *is* a
SequenceExample without feature lists, and one message class reads both.
See https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/example.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "sk_crossmodal.tfrecord"
_Field = descriptor_pb2.FieldDescriptorProto


def _add_message(parent: Any, name: str) -> Any:
    """Add a message to a file, or a nested one to a message."""
    messages = parent.nested_type if hasattr(parent, "nested_type") else parent.message_type
    return messages.add(name=name)


def _add_field(
    message: Any, number: int, name: str, kind: Any, *, repeated: bool = False, **options: Any
) -> None:
    """Add a field; a kind that is a string is the name of a message."""
    field = message.field.add(name=name, number=number, **options)
    field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{kind}"
    else:
        field.type = kind


def _add_map(file: Any, name: str, field_name: str, value: str) -> None:
    """Add a message that is nothing but a map from string to a message."""
    message = _add_message(file, name)
    # By convention a map is a repeated entry, whose name is made from that of the field.
    entry_name = field_name.title().replace("_", "") + "Entry"
    entry = _add_message(message, entry_name)
    entry.options.map_entry = True
    _add_field(entry, 1, "key", _Field.TYPE_STRING)
    _add_field(entry, 2, "value", value)
    _add_field(message, 1, field_name, f"{name}.{entry_name}", repeated=True)


def _build_record_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="sk_crossmodal/tfrecord.proto", package=_PACKAGE, syntax="proto3"
    )
    feature = _add_message(file, "Feature")
    feature.oneof_decl.add(name="kind")
    values = {
        "BytesList": _Field.TYPE_BYTES,
        "FloatList": _Field.TYPE_FLOAT,
        "Int64List": _Field.TYPE_INT64,
    }
    for number, (name, kind) in enumerate(values.items(), start=1):
        # In proto3 repeated numbers are packed, and both forms are read.
        _add_field(_add_message(file, name), 1, "value", kind, repeated=True)
        _add_field(feature, number, name.lower().replace("list", "_list"), name, oneof_index=0)
    _add_field(_add_message(file, "FeatureList"), 1, "feature", "Feature", repeated=True)
    _add_map(file, "Features", "feature", "Feature")
    _add_map(file, "FeatureLists", "feature_list", "FeatureList")
    record = _add_message(file, "Record")
    _add_field(record, 1, "context", "Features")
    _add_field(record, 2, "feature_lists", "FeatureLists")

    # A pool of our own: in the common one these messages could meet TensorFlow's.
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindMessageTypeByName(f"{_PACKAGE}.Record")
    return message_factory.GetMessageClass(descriptor)


Record = _build_record_class()
