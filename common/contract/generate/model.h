/* What the generator knows of the contract: the descriptor set, put in the order and words that the checks and the
 * tables need. Everything lies in the arena given to model_read() and is read only afterwards. */
#ifndef CASEBUS_GENERATE_MODEL_H
#define CASEBUS_GENERATE_MODEL_H

#include "common/core/arena.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "proto/options.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_model {
    const Google__Protobuf__FileDescriptorProto *proto;
    const char *package;             /* casebus.intake.v1; empty when none was said. */
    const char *c_package;           /* What protoc-c puts before the names; the package when nothing was said. */
    const char *comment;             /* Of the whole file. */
    const Casebus__Service *service; /* NULL: shared. */
};

struct field_model {
    const Google__Protobuf__FieldDescriptorProto *proto;
    const char *json;
    const char *comment;
    const Casebus__Rule *rule;           /* NULL: nothing said. */
    const struct message_model *message; /* Of a field that is a message. */
};

struct message_model {
    const struct file_model *file;
    const Google__Protobuf__DescriptorProto *proto;
    const char *full_name; /* casebus.intake.v1.Referral */
    const char *name;      /* Without the package. */
    const char *subject;   /* intake.Referral */
    const char *c_name;    /* Intake__Referral */
    const char *c_lower;   /* intake__referral */
    const char *kind;      /* referral */
    const char *comment;
    bool nested;
    const Casebus__Aggregate *aggregate;
    const Casebus__Command *command;
    const Casebus__Event *event;
    const Casebus__Query *query;
    struct field_model *fields; /* By number, as protoc-c orders them. */
    size_t n_fields;
    size_t place; /* Among the messages. */
};

struct enum_model {
    const struct file_model *file;
    const Google__Protobuf__EnumDescriptorProto *proto;
    const char *full_name;
};

struct model {
    const Google__Protobuf__FileDescriptorSet *set;
    struct file_model *files;       /* Only ours: those of protoc and protoc-c are left out. */
    struct message_model *messages; /* By full name. */
    struct enum_model *enums;
    size_t n_files, n_messages, n_enums;
};

/* NULL when the bytes are no descriptor set, or an option does not unpack. */
const struct model *model_read(const void *data, size_t size, struct arena *arena);

/* By name as one writes it in an option of `from`: a message of the same package, a full name, or a subject. NULL:
 * none. */
const struct message_model *model_find(const struct model *model, const struct file_model *from, const char *name);

/* Place of the field of that name, or -1. */
int model_field(const struct message_model *message, const char *name);

/* N of a package casebus.<name>.v<N>; 0 when it is not of that form. */
uint32_t package_major(const char *package);

#endif
