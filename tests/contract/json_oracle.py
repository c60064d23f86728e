"""Compares the JSON of the contract with Python's json_format, both ways, on random messages of every type.

usage: json_oracle.py BRIDGE DESCRIPTOR_SET     (SUITE_SEED repeats a run)
"""
import json
import os
import random
import subprocess
import sys
import time

from google.protobuf import descriptor_pb2, descriptor_pool, json_format
from google.protobuf.descriptor import FieldDescriptor as F

try:  # Python's protobuf before 4.22 has the factory in a class.
    from google.protobuf.message_factory import GetMessageClass
except ImportError:
    from google.protobuf import message_factory
    GetMessageClass = message_factory.MessageFactory().GetPrototype

ROUNDS = 12  # Of each message.
LETTERS = ["a", "Z", '"', "\\", "\n", "/", "\x01", "\x7f", "é", "€", "\u2028", "\uffff", "😀", "</"]
WHOLE = {
    F.CPPTYPE_INT32: (-2**31, 2**31 - 1),
    F.CPPTYPE_INT64: (-2**63, 2**63 - 1),
    F.CPPTYPE_UINT32: (0, 2**32 - 1),
    F.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def load(path):
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as source:
        files.ParseFromString(source.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    names = [
        f"{file.package}.{message.name}" for file in files.file
        if file.package.startswith("casebus") for message in file.message_type
    ]
    return [pool.FindMessageTypeByName(name) for name in names]


def random_value(dice, field, depth):
    if field.cpp_type in WHOLE:
        low, high = WHOLE[field.cpp_type]
        return dice.choice([low, high, 0, 1, dice.randint(low, high), max(low, dice.randint(-1000, 1000))])
    if field.cpp_type in (F.CPPTYPE_DOUBLE, F.CPPTYPE_FLOAT):
        return dice.choice([0.0, -0.0, 0.1, 1.5, 1e-30, 3.0e38, dice.uniform(-1e6, 1e6), float("inf"), float("nan")])
    if field.cpp_type == F.CPPTYPE_BOOL:
        return dice.random() < 0.5
    if field.cpp_type == F.CPPTYPE_ENUM:
        return dice.choice(field.enum_type.values).number
    if field.type == F.TYPE_BYTES:
        return bytes(dice.randrange(256) for _ in range(dice.randrange(20)))
    return "".join(dice.choice(LETTERS) for _ in range(dice.randrange(12)))


def fill(dice, message, depth):
    oneofs = set()
    for field in message.DESCRIPTOR.fields:
        if dice.random() < 0.6 or (field.message_type and depth == 0):
            continue
        if field.containing_oneof:
            if field.containing_oneof.name in oneofs:
                continue
            oneofs.add(field.containing_oneof.name)
        if field.label == F.LABEL_REPEATED:
            for _ in range(dice.randrange(1, 4)):
                if field.message_type:
                    fill(dice, getattr(message, field.name).add(), depth - 1)
                else:
                    getattr(message, field.name).append(random_value(dice, field, depth))
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            fill(dice, getattr(message, field.name), depth - 1)
        else:
            setattr(message, field.name, random_value(dice, field, depth))


class Bridge:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, verb, name, text):
        self.process.stdin.write(f"{verb} {name} {text}\n".encode())
        self.process.stdin.flush()
        return self.process.stdout.readline()[:-1].decode()


def check(condition, *what):
    if not condition:
        print("FAILED:", *what)
        sys.exit(1)


def same(left, right):
    return left.SerializeToString(deterministic=True) == right.SerializeToString(deterministic=True)


def compare(bridge, message):
    name, kind = message.DESCRIPTOR.full_name, type(message)

    # Theirs to ours: their JSON, in any of its forms, gives their bytes.
    for options in ({}, {"preserving_proto_field_name": True}, {"use_integers_for_enums": True}):
        text = json_format.MessageToJson(message, indent=None, ensure_ascii=False, **options)
        answer = bridge.ask("read", name, text)
        check(not answer.startswith("refused"), name, text, answer)
        check(same(kind.FromString(bytes.fromhex(answer)), message), name, text, answer)

    # Ours to theirs: our JSON reads as the same message, and is the same tree as theirs.
    text = bridge.ask("write", name, message.SerializeToString().hex())
    check(not text.startswith("refused"), name, text)
    check(same(json_format.Parse(text, kind()), message), name, text)
    ours, theirs = json.loads(text), json.loads(json_format.MessageToJson(message, float_precision=None))
    check(floats_apart(ours) == floats_apart(theirs), name, ours, theirs)


def floats_apart(tree):
    """Whole floats are written 1 by us and 1.0 by them; that is the same number."""
    if isinstance(tree, dict):
        return {key: floats_apart(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [floats_apart(value) for value in tree]
    return float(tree) if isinstance(tree, (int, float)) and not isinstance(tree, bool) else tree


def compare_refusals(bridge, dice, message):
    """Text changed at one place: what they refuse, we refuse."""
    name, kind = message.DESCRIPTOR.full_name, type(message)
    text = json_format.MessageToJson(message, indent=None)
    at = dice.randrange(len(text))
    changed = text[:at] + dice.choice(['"', "{", "}", "[", "]", ",", ":", "x", "", "0", "-", "."]) + text[at + dice.randrange(2):]
    try:
        json_format.Parse(changed, kind())
        refused = False
    except (json_format.ParseError, UnicodeError, OverflowError):
        refused = True
    answer = bridge.ask("read", name, changed)
    check(not refused or answer.startswith("refused"), "only they refuse", name, changed, answer)
    return refused


def main():
    seed = int(os.environ.get("SUITE_SEED", time.time_ns()))
    print(f"SUITE_SEED={seed}")
    dice = random.Random(seed)
    bridge = Bridge(sys.argv[1])
    types = load(sys.argv[2])
    rounds = ROUNDS if len(types) > 30 else 20 * ROUNDS
    messages = refusals = 0
    for descriptor in types:
        for _ in range(rounds):
            message = GetMessageClass(descriptor)()
            fill(dice, message, 3)
            compare(bridge, message)
            refusals += compare_refusals(bridge, dice, message)
            messages += 1
    check(messages > 0 and refusals > 0, "nothing was compared")
    print(f"{len(types)} types, {messages} messages both ways, {refusals} refusals agreed")


main()
