/* Intake as one small world: calls by JSON, and tasks between its own aggregates delivered until it is quiet, as the broker would. */
#ifndef TESTS_INTAKE_WORLD_H
#define TESTS_INTAKE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/contract/guard.h"
#include "common/core/instant.h"
#include "common/core/must.h"
#include "services/intake/duty.h"
#include "services/intake/intake.h"
#include "tests/support/rules.h"

enum { WORLD_TASKS_MAX = 128 };

struct intake_world {
    struct rules r;
    const ProtobufCMessage *queue[WORLD_TASKS_MAX];
    char ids[WORLD_TASKS_MAX][64];
    size_t from, to;
    size_t delivered;
    unsigned call;
    const char *screened; /* Summary of the last screening. */
    const Intake__ReferralRejected *rejected;
    const Intake__PersonMatched *matched;
    const Intake__CaseManagerAssigned *assigned;
    const Intake__CaseManagerNotFound *not_found;
};

static inline void world_begin(struct intake_world *w)
{
    memset(w, 0, sizeof *w);
    rules_begin(&w->r, &INTAKE);
    rules_load_references(&w->r, "seeds");
}

static inline void world_done(struct intake_world *w)
{
    rules_done(&w->r);
}

static inline void as(struct intake_world *w, Casebus__Role role)
{
    w->r.actor = (struct actor){role == CASEBUS__ROLE__ROLE_SYSTEM ? "intake" : "u1", role, false};
}

/* What a call did is copied into the world, because the next call forgets it. */
static inline void world_keep(struct intake_world *w)
{
    const struct decision *d = w->r.d;
    for (size_t i = 0; w->r.fault == FAULT_NONE && i < d->task_count; i++) {
        if (strncmp(d->tasks[i].subject, "intake.", 7) == 0) {
            assert_true(w->to < WORLD_TASKS_MAX);
            snprintf(w->ids[w->to], sizeof w->ids[0], "%s", d->tasks[i].id);
            w->queue[w->to++] = contract_copy(d->tasks[i].body, &w->r.world);
        }
    }
    for (size_t i = 0; w->r.fault == FAULT_NONE && i < d->event_count; i++) {
        const ProtobufCMessage *event = contract_copy(d->events[i], &w->r.world);
        if (event->descriptor == &intake__case_screened__descriptor) {
            w->screened = ((const Intake__CaseScreened *)event)->summary;
        } else if (event->descriptor == &intake__referral_rejected__descriptor) {
            w->rejected = (const Intake__ReferralRejected *)event;
        } else if (event->descriptor == &intake__person_matched__descriptor) {
            w->matched = (const Intake__PersonMatched *)event;
        } else if (event->descriptor == &intake__case_manager_assigned__descriptor) {
            w->assigned = (const Intake__CaseManagerAssigned *)event;
        } else if (event->descriptor == &intake__case_manager_not_found__descriptor) {
            w->not_found = (const Intake__CaseManagerNotFound *)event;
        }
    }
}

/* One call, its tasks left waiting. */
static inline enum fault send(struct intake_world *w, Casebus__Role role, const char *subject, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static inline enum fault send(struct intake_world *w, Casebus__Role role, const char *subject, const char *format, ...)
{
    char json[8192], id[40];
    va_list args;
    va_start(args, format);
    MUST(vsnprintf(json, sizeof json, format, args) < (int)sizeof json);
    va_end(args);
    snprintf(id, sizeof id, "call-%u", ++w->call);
    as(w, role);
    w->r.command_id = id;
    enum fault fault = rules_command(&w->r, rules_json(&w->r, subject, json));
    w->r.command_id = NULL;
    world_keep(w);
    return fault;
}

/* Delivers the oldest waiting task. */
static inline void deliver(struct intake_world *w)
{
    as(w, CASEBUS__ROLE__ROLE_SYSTEM);
    w->r.command_id = w->ids[w->from];
    (void)rules_command(&w->r, w->queue[w->from++]);
    w->r.command_id = NULL;
    w->delivered++;
    world_keep(w);
}

static inline void settle_world(struct intake_world *w)
{
    while (w->from < w->to) {
        deliver(w);
    }
    w->from = w->to = 0;
}

static inline const Intake__Case *case_now(struct intake_world *w, const char *id)
{
    return rules_state(&w->r, "intake", "case", id);
}

static inline const Intake__Referral *referral_now(struct intake_world *w, const char *id)
{
    return rules_state(&w->r, "intake", "referral", id);
}

static inline const Casebus__Clock *clock_now(struct intake_world *w, const char *case_id, const char *name)
{
    const Intake__Case *c = case_now(w, case_id);
    for (size_t i = 0; i < c->n_clocks; i++) {
        if (strcmp(c->clocks[i]->name, name) == 0) {
            return c->clocks[i];
        }
    }
    return NULL;
}

static inline int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(instant_parse(text, &ms));
    return ms;
}

/* A patient with heart failure in Ohio; what a test changes comes as more fields. */
#define PERSON                                                                                                         \
    "\"familyName\":\"Mej\xc3\xad"                                                                                     \
    "a\",\"givenName\":\"Rosa\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\""
#define OHIO_ADDRESS ",\"address\":{\"state\":\"OH\"}"
#define HEART_FAILURE                                                                                                  \
    "{\"code\":{\"system\":\"http://snomed.info/sct\",\"code\":\"84114007\"},\"status\":\"CONDITION_STATUS_ACTIVE\"}"
#define MRN(value) "{\"system\":\"urn:mrn\",\"value\":\"" value "\"}"
#define SSN(value) "{\"system\":\"http://hl7.org/fhir/sid/us-ssn\",\"value\":\"" value "\"}"

/* Receives a referral `r<n>` for case `001-c<n>` of a patient told in JSON. */
static inline enum fault receive(struct intake_world *w, int n, const char *patient)
{
    return send(w, CASEBUS__ROLE__ROLE_PROVIDER, "intake.ReceiveReferral",
        "{\"referralId\":\"r%d\",\"caseId\":\"001-c%d\",\"source\":\"clinic\",\"patient\":{%s}}", n, n, patient);
}

/* The same, through to the end of its screening. */
static inline void refer(struct intake_world *w, int n, const char *patient)
{
    assert_int_equal(receive(w, n, patient), FAULT_NONE);
    settle_world(w);
}

#endif
