/* The contract: what every message of proto/ means to the bus, the store, the runtime and the people who read it.
 *
 * The tables behind these functions are written at build time from the descriptor set (generate/). They are constant,
 * so a row lives as long as the process, may be kept by anyone, and looking one up never allocates. Look-ups are binary
 * searches.
 *
 * A message is found by any of three names: full (`casebus.intake.v1.Referral`), subject (`intake.Referral`; messages
 * without a service go by their C package, `casebus.Coding`) and C (`Intake__Referral`). */
#ifndef CASEBUS_CONTRACT_H
#define CASEBUS_CONTRACT_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTRACT_HASH_SIZE  16
#define CONTRACT_FIELDS_MAX 256        /* Fields of one message; the generator refuses more. */
#define CONTRACT_NONE       UINT16_MAX /* "No such field" where a row names one by its place in `descriptor->fields`. */

enum contract_kind {
    CONTRACT_PLAIN, /* A part of other messages, a reply, reference data. */
    CONTRACT_AGGREGATE,
    CONTRACT_COMMAND,
    CONTRACT_EVENT,
    CONTRACT_QUERY,
};

/* One field and its rule (proto/options.proto). Stands at the same place as in `descriptor->fields`. */
struct contract_field {
    const char *name;                       /* lower_snake, as in the .proto. */
    const char *json;                       /* lowerCamel. */
    const char *comment;                    /* One line; empty when there is none. */
    const struct contract_message *message; /* Of a field that is a message. */
    int64_t min, max;
    uint32_t min_length,
        max_length; /* Code points of a string, octets of bytes; bytes with no maximum said: UINT32_MAX. */
    uint32_t max_items;
    uint8_t form; /* Casebus__Form. */
    bool required, has_min, has_max, sensitive;
};

struct contract_message {
    const char *name;    /* Full name. */
    const char *subject; /* `<service>.<Message>`. */
    const char *comment;
    const ProtobufCMessageDescriptor *descriptor;
    const struct contract_service *service; /* NULL for what services share. */
    const struct contract_field *fields;    /* descriptor->n_fields of them. */
    const uint16_t *by_json;                /* Their places, in the order of their JSON names. */
    enum contract_kind kind;
    union {
        const struct contract_aggregate *aggregate;
        const struct contract_command *command;
        const struct contract_event *event;
        const struct contract_query *query;
    }; /* By `kind`. */
};

/* The state of a noun. */
struct contract_aggregate {
    const struct contract_message *message;
    const char *service;
    const char *kind; /* Message name in lower_snake: `calendar_day`. */
    uint32_t schema;  /* Version of the stored shape, from 1. */
    uint16_t key;     /* Place of the string field with its own id. */
    uint16_t root;    /* Place of the string field with the id of its root; equals `key` when it is its own root. */
    bool readable;    /* Other services may see it, if they declare so. */
};

struct contract_command {
    const char *subject; /* `intake.ReceiveReferral`. */
    const char *service;
    const struct contract_message *message;
    const struct contract_aggregate
        *aggregate; /* NULL only in a public contract, whose aggregates are the outsider's affair. */
    const struct contract_message *reply; /* NULL: no body. */
    uint32_t roles;                       /* Bit n: Casebus__Role n may send it. */
    uint16_t key, root;                   /* Places of string fields, or CONTRACT_NONE. */
    bool creates;                         /* The aggregate may be missing. */
};

struct contract_event {
    const char *subject;
    const char *service;
    const struct contract_message *message;
    const char *line; /* Template of the time line's sentence; empty when it has none. */
    uint16_t due;     /* Place of the field with the due time that follows, or CONTRACT_NONE. */
    bool minor;       /* A step on the way: shown only when all is asked for. */
};

struct contract_query {
    const char *subject;
    const char *service;
    const struct contract_message *message;
    const struct contract_aggregate *aggregate; /* NULL: not about one aggregate. */
    const struct contract_message *reply;
    uint32_t roles;
    uint16_t key, root; /* Places, or CONTRACT_NONE. */
};

/* One .proto with a service option. Its rows stand together, in the order of their subjects. */
struct contract_service {
    const char *name;
    const char *comment;
    bool public_contract; /* Outsiders depend on it: never broken. */
    const struct contract_aggregate *aggregates;
    const struct contract_command *commands;
    const struct contract_event *events;
    const struct contract_query *queries;
    uint16_t n_aggregates, n_commands, n_events, n_queries;
};

struct contract_name {
    const char *name;
    const struct contract_message *message;
};

/* The whole, written by the generator. All lists are sorted by name. */
struct contract {
    uint32_t major;
    uint8_t hash[CONTRACT_HASH_SIZE]; /* BLAKE2b of the descriptor set without comments: says "the same", promises
                                         nothing. */
    const struct contract_service *services;
    const struct contract_message *messages; /* By full name. */
    const struct contract_name *names;       /* All three names of every message. */
    size_t n_services, n_messages, n_names;
};
extern const struct contract CONTRACT;

/* NULL when there is none of that name. A subject that names an event is no command, and so on. */
const struct contract_message *contract_find_message(const char *name);
const struct contract_command *contract_find_command(const char *subject);
const struct contract_event *contract_find_event(const char *subject);
const struct contract_query *contract_find_query(const char *subject);
const struct contract_service *contract_find_service(const char *name);

/* The aggregate of that service and kind (`scheduling`, `calendar_day`), or NULL. */
const struct contract_aggregate *contract_aggregate(const char *service, const char *kind);

/* The row of a generated descriptor. The descriptor must be of this contract. */
const struct contract_message *contract_of(const ProtobufCMessageDescriptor *descriptor);

/* The text of a singular string field, or NULL: absent, no such field, not a string. Borrowed from the message. */
const char *contract_string_field(const ProtobufCMessage *message, const char *field);

/* Same, by place; CONTRACT_NONE gives NULL. */
const char *contract_string_at(const ProtobufCMessage *message, uint16_t place);

/* Sets a singular string field, which must exist. The text is borrowed: it has to outlive the message. */
void contract_set_string_field(ProtobufCMessage *message, const char *field, const char *text);
void contract_set_string_at(ProtobufCMessage *message, uint16_t place, const char *text);

/* Whether a role (Casebus__Role) is in a mask of roles. */
static inline bool contract_role_in(uint32_t roles, int role)
{
    return role > 0 && role < 32 && (roles & (UINT32_C(1) << role)) != 0;
}

#endif
