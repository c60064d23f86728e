#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bus/link.h"
#include "common/contract/guard.h"
#include "common/core/slice.h"
#include "common/service/sealing.h"
#include "services/cli/cli.h"

#define CONNECT_TIMEOUT_MS 3000

/* ---- Bodies ---- */

static enum fault seal_body(void *context, const struct body_about *about, struct body in, struct arena *arena,
    struct why *why, struct body *out)
{
    struct sealing sealing = {.tenant = about->tenant, .kind = about->kind, .id = about->id, .subject = about->subject};
    struct bytes sealed = sealing_seal(context, &sealing, (struct bytes){in.bytes, in.size}, arena);
    if (!sealed.at) {
        why_set(why, "there is no key for the tenant %s", about->tenant);
        return FAULT_UNAVAILABLE;
    }
    *out = (struct body){sealed.at, sealed.size};
    return FAULT_NONE;
}

static enum fault open_body(void *context, const struct body_about *about, struct body in, struct arena *arena,
    struct why *why, struct body *out)
{
    struct sealing sealing = {.tenant = about->tenant, .kind = about->kind, .id = about->id, .subject = about->subject};
    struct bytes clear;
    if (!sealing_open(context, &sealing, (struct bytes){in.bytes, in.size}, arena, &clear)) {
        why_set(why, "the answer cannot be opened with the key of tenant %s", about->tenant);
        return FAULT_INTERNAL;
    }
    *out = (struct body){clear.at, clear.size};
    return FAULT_NONE;
}

/* ---- Who asks ---- */

/* "nurse" or "nurse:n17". False when there is no such role. */
static bool take_actor(struct cli *cli, const char *text)
{
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    char name[64] = "ROLE_";
    if (length == 0 || length > sizeof name - sizeof "ROLE_") {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        name[5 + i] = text[i] == '-' ? '_' : ascii_upper(text[i]);
    }
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(&casebus__role__descriptor, name);
    if (!value || value->value == 0) {
        return false;
    }
    cli->actor_role = (Casebus__Role)value->value;
    cli->actor_id = colon ? colon + 1 : arena_strndup(&cli->arena, text, length);
    return id_is_valid(cli->actor_id);
}

static int load_actor(struct cli *cli)
{
    const char *as = cli->options.as ? cli->options.as : "nurse";
    if (!take_actor(cli, as)) {
        return say_wrong(
            EXIT_USAGE, "--as is \"%s\": a role such as nurse, patient, biller or operator is wanted, or nurse:ID", as);
    }
    struct why why = {0};
    if (actor_key_load(settings_text(cli->settings, "actor-secret"), &why, &cli->actor_key) != FAULT_NONE) {
        return say_wrong(EXIT_UNAVAILABLE, "%s", why.text);
    }
    return EXIT_DONE;
}

static int load_tenant(struct cli *cli)
{
    struct why why = {0};
    if (tenants_load(settings_text(cli->settings, "tenants"), &cli->tenants, &why) != FAULT_NONE) {
        return say_wrong(EXIT_UNAVAILABLE, "%s", why.text);
    }
    cli->tenant = cli->options.tenant ? cli->options.tenant : tenants_at(cli->tenants, 0)->name;
    if (!tenants_find(cli->tenants, cli->tenant)) {
        return say_wrong(
            EXIT_USAGE, "there is no tenant %s in %s", cli->tenant, settings_text(cli->settings, "tenants"));
    }
    return EXIT_DONE;
}

bool session_is_synthetic(const struct cli *cli)
{
    return tenants_find(cli->tenants, cli->tenant)->synthetic;
}

/* ---- The link ---- */

static int connect_client(struct cli *cli)
{
    struct why why = {0};
    const char *endpoints[SETTING_LIST_MAX];
    size_t count = settings_list(cli->settings, "brokers", endpoints);
    struct client_options options = {
        .endpoints = endpoints,
        .endpoint_count = (unsigned)count,
        .tenant = cli->tenant,
        .actor = {cli->actor_id, cli->actor_role, cli->options.simulated, &cli->actor_key},
        .seal = {cli->keys, seal_body, open_body},
    };
    if (client_new(&options, &why, &cli->client) != FAULT_NONE ||
        client_wait(cli->client, CONNECT_TIMEOUT_MS, &why) != FAULT_NONE) {
        return say_wrong(EXIT_UNAVAILABLE, "%s; is the suite running? (deploy/up starts it)", why.text);
    }
    return EXIT_DONE;
}

int session_open(struct cli *cli)
{
    if (cli->client) {
        return EXIT_DONE;
    }
    int status = load_tenant(cli);
    if (status == EXIT_DONE) {
        status = load_actor(cli);
    }
    if (status != EXIT_DONE) {
        return status;
    }
    struct why why = {0};
    if (keys_open(settings_text(cli->settings, "keys"), &cli->tenant, 1, &cli->keys, &why) != FAULT_NONE) {
        return say_wrong(EXIT_UNAVAILABLE, "%s", why.text);
    }
    return connect_client(cli);
}

void session_close(struct cli *cli)
{
    client_free(&cli->client);
    if (cli->keys) {
        bus_done();
    }
    keys_close(&cli->keys);
    actor_key_wipe(&cli->actor_key);
    tenants_free(&cli->tenants);
}

/* ---- Asking ---- */

static enum fault unpack_reply(
    struct cli *cli, const struct contract_message *type, const struct client_result *result, struct answered *out)
{
    ProtobufCMessage *reply = NULL;
    enum fault fault = contract_unpack(
        type->descriptor, result->reply.bytes, result->reply.size, &CROSSING_STATE, &cli->arena, &out->why, &reply);
    if (fault != FAULT_NONE) {
        return FAULT_INTERNAL;
    }
    out->reply = reply;
    return FAULT_NONE;
}

static const Casebus__Outcome *keep_outcome(struct cli *cli, const Casebus__Outcome *outcome)
{
    if (!outcome) {
        return NULL;
    }
    size_t size = casebus__outcome__get_packed_size(outcome);
    uint8_t *bytes = arena_alloc(&cli->arena, size);
    casebus__outcome__pack(outcome, bytes);
    struct why why;
    ProtobufCMessage *kept = NULL;
    contract_unpack(&casebus__outcome__descriptor, bytes, size, &CROSSING_STATE, &cli->arena, &why, &kept);
    return (const Casebus__Outcome *)kept;
}

enum fault session_ask(struct cli *cli, const struct asked *asked, struct answered *out)
{
    *out = (struct answered){.fault = FAULT_NONE};
    const struct contract_command *command = contract_find_command(asked->subject);
    const struct contract_query *query = contract_find_query(asked->subject);
    size_t size = protobuf_c_message_get_packed_size(asked->body);
    uint8_t *bytes = arena_alloc(&cli->arena, size + 1);
    protobuf_c_message_pack(asked->body, bytes);

    struct client_actor actor = {
        .id = asked->actor_id ? asked->actor_id : cli->actor_id,
        .role = asked->role ? asked->role : cli->actor_role,
        .simulated = asked->simulated || cli->options.simulated,
        .key = &cli->actor_key,
    };
    struct client_call call = {
        .subject = asked->subject,
        .body = {bytes, size},
        .id = asked->id,
        .root = contract_string_at(asked->body, command ? command->root
                                                : query ? query->root
                                                        : CONTRACT_NONE),
        .timeout_ms = asked->timeout_ms ? asked->timeout_ms : cli->options.timeout_ms,
        .actor = &actor,
        .prompt = !asked->patient,
    };
    struct client_result result;
    out->fault = command ? client_call(cli->client, &call, &result) : client_query(cli->client, &call, &result);
    out->why = result.why;
    out->took_us = result.took_us;
    memcpy(out->id, result.id, sizeof out->id);
    out->outcome = keep_outcome(cli, result.outcome);
    const struct contract_message *type = command ? command->reply : query ? query->reply : NULL;
    if (out->fault == FAULT_NONE && type) {
        out->fault = unpack_reply(cli, type, &result, out);
    }
    client_result_done(&result);
    return out->fault;
}

int exit_status_of(enum fault fault)
{
    enum fault status = fault_status(fault);
    if (status == FAULT_NONE) {
        return EXIT_DONE;
    }
    if (status == FAULT_UNKNOWN) {
        return EXIT_UNKNOWN;
    }
    return status == FAULT_REFUSED ? EXIT_REFUSED : EXIT_UNAVAILABLE;
}
