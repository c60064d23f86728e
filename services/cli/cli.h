/* The command line: one process that asks the suite through the bus, as any client would, and says what it heard to a person.
 *
 * A word is a row of a table (main.c): its name, its usage, and a function. Exit status: 0 done, 1 refused, 2 wrong usage or input,
 * 3 outcome unknown, 4 unavailable. Colour and progress only on a terminal; --json prints one JSON value per line instead. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus/client.h"
#include "common/contract/contract.h"
#include "common/core/arena.h"
#include "common/core/fault.h"
#include "common/service/settings.h"
#include "common/service/tenants.h"
#include "common/store/keys.h"
#include "proto/intake.pb-c.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    EXIT_UNKNOWN = 3,
    EXIT_UNAVAILABLE = 4,
};

/* What stands after `casebus` beside the words and the settings. */
struct cli_options {
    const char *id;     /* --id: command id, to repeat a command */
    const char *as;     /* --as ROLE or ROLE:ID */
    const char *tenant; /* --tenant */
    const char *case_id;
    const char *group;
    uint32_t timeout_ms; /* 0: what is usual */
    bool json;
    bool follow;
    bool all;
    bool simulated;
    bool help;
};

struct cli {
    struct settings *settings;
    struct cli_options options;
    size_t word_count; /* after the name of the command */
    const char *const *words;
    struct arena arena; /* of the process: it does one thing and ends */
    struct tenants *tenants;
    struct keys *keys;
    struct actor_key actor_key;
    const char *actor_id;
    Casebus__Role actor_role;
    struct client *client;       /* after session_open() */
    struct reference *reference; /* after importer_reference() */
    const char *tenant;
    bool colour;
    bool terminal;
};

/* ---- session.c ---- */

/* Opens keys and the link to the brokers, once. EXIT_DONE, or the exit status after saying why not. */
int session_open(struct cli *cli);
void session_close(struct cli *cli);

/* One question or command. Everything lies in cli->arena. */
struct asked {
    const char *subject;
    const ProtobufCMessage *body;
    const char *id;     /* made where it is NULL */
    Casebus__Role role; /* the session's where 0 */
    const char *actor_id;
    bool simulated;
    bool patient; /* waits for a service that is not there */
    uint32_t timeout_ms;
};
struct answered {
    enum fault fault;
    struct why why;
    const Casebus__Outcome *outcome;
    const ProtobufCMessage *reply; /* NULL where there is none */
    char id[ID_SIZE];
    int64_t took_us;
};

/* Sends and waits. Returns out->fault. A reply that breaks the contract is INTERNAL. */
enum fault session_ask(struct cli *cli, const struct asked *asked, struct answered *out);

/* Whether the session's tenant is marked synthetic: only there a simulated person may act. */
bool session_is_synthetic(const struct cli *cli);

int exit_status_of(enum fault fault);

/* ---- say.c: what a person reads ---- */

/* Says one sentence on stderr: "casebus: ..." */
int say_wrong(enum exit_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says how a call ended when it did not end well. Returns the exit status. */
int say_fault(const struct cli *cli, const char *what, const struct answered *answered);

/* Colours, empty strings away from a terminal. */
const char *say_bold(const struct cli *cli);
const char *say_dim(const struct cli *cli);
const char *say_red(const struct cli *cli);
const char *say_green(const struct cli *cli);
const char *say_plain(const struct cli *cli);

/* Prints text in lines of at most `width` columns; what does not fit on the first goes on, indented. */
void say_wrapped(const char *text, size_t indent, size_t width);

/* How many lines that takes. */
size_t say_height(const char *text, size_t indent, size_t width);

/* Prints one line of at most `width` columns; a longer text ends in "...". */
void say_cut(const char *text, size_t width);

/* "a nurse", "the patient (simulated)": who did it, in words. */
const char *say_actor(struct arena *arena, Casebus__Role role, bool simulated);

/* "Nov 22 09:30 PM" there; the process's own zone where it is NULL. */
const char *say_clock(struct arena *arena, const char *zone, int64_t at_ms);

/* ---- follow.c: what happened to one root ---- */

struct happened {
    uint64_t sequence;
    int64_t at_ms;
    const char *service;
    const char *actor_id;
    Casebus__Role role;
    bool simulated;
    const struct contract_event *row;
    const ProtobufCMessage *event;
    size_t folded; /* further ones that the time line tells with this one */
};
struct history {
    const char *root;
    struct happened *events;
    size_t count;
    uint64_t sequence; /* of the last record read */
};

/* Reads what is new. */
enum fault history_read(struct cli *cli, struct history *history, struct why *why);

/* When what the event announces falls due, 0 when it announces nothing. */
int64_t event_due(const struct happened *happened);

/* The first event of the subject from place `from` on, or NULL. */
const struct happened *history_find(const struct history *history, const char *subject, size_t from);

/* ---- case.c, timeline.c: one case, for a person ---- */

/* EXIT_DONE, or the exit status after saying why not. */
int read_case(struct cli *cli, const char *case_id, const Intake__Case **out);

/* What happened to the case on one screen: when, who, what, why, next due. As JSON: every event, one a line. */
int show_timeline(struct cli *cli, const char *case_id);

/* ---- reference.c ---- */

/* The reference data that the importer needs, from the setting `seeds`. */
struct fhir_reference;
enum fault importer_reference(struct cli *cli, struct fhir_reference *out, struct why *why);

/* ---- the words ---- */

int word_status(struct cli *cli);
int word_call(struct cli *cli);
int word_contract(struct cli *cli);
int word_import(struct cli *cli);
int word_journey(struct cli *cli);
int word_case(struct cli *cli);
int word_events(struct cli *cli);
int word_dead(struct cli *cli);
int word_seed(struct cli *cli);
int word_keys(struct cli *cli);

#endif
