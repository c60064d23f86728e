/* Writes what each fuzz target begins with: fuzz_seeds FOLDER, in the root of the repository. Nothing is kept in the tree
 * that can be made: random messages of the contract, packed and as JSON; our own reference data and bundles, whole and
 * entry by entry; frames, records, key files, zones of the system, answers of Redis. */
#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/bus/actor.h"
#include "common/bus/frame.h"
#include "common/contract/guard.h"
#include "common/contract/json.h"
#include "common/core/must.h"
#include "common/store/keys.h"
#include "proto/envelope.pb-c.h"
#include "tests/contract/random_message.h"
#include "tests/fuzz/fuzz.h"

static const char *corpus;
static const char *target;
static unsigned made; /* of this target */
static struct arena arena;
static struct dice dice = {.state = 20261122};

/* A seed is a few octets that choose, and the bytes. */
static void put(const uint8_t *choice, size_t choice_size, const void *bytes, size_t size)
{
    FILE *file = fopen(arena_printf(&arena, "%s/%s/seed-%04u", corpus, target, made++), "wb");
    MUST(file != NULL && fwrite(choice, 1, choice_size, file) == choice_size);
    MUST(fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* What once broke this target. */
static void put_found(void)
{
    DIR *folder = opendir("tests/fuzz/corpus");
    MUST(folder != NULL);
    const char *prefix = arena_printf(&arena, "%s-", target);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (str_starts_with(entry->d_name, prefix)) {
            struct slice bytes = file_read(arena_printf(&arena, "tests/fuzz/corpus/%s", entry->d_name), &arena);
            put(NULL, 0, bytes.at, bytes.size);
        }
    }
    closedir(folder);
}

static void begin(const char *name)
{
    target = name;
    made = 0;
    mkdir(corpus, 0777);
    mkdir(arena_printf(&arena, "%s/%s", corpus, name), 0777); /* It may be there from the last time. */
    put_found();
}

static void put_text(uint8_t choice, const char *text)
{
    put(&choice, 1, text, strlen(text));
}

/* ---- The contract ---- */

static void put_message(const uint8_t *choice, size_t choice_size, const ProtobufCMessage *message)
{
    struct packed packed = contract_pack(message, &arena);
    put(choice, choice_size, packed.data, packed.size);
}

static void messages(void)
{
    begin("contract");
    for (size_t i = 0; i < CONTRACT.n_messages; i++) {
        uint8_t choice[] = {(uint8_t)(i >> 8), (uint8_t)i, (uint8_t)i};
        put_message(choice, sizeof choice, random_message(&dice, CONTRACT.messages[i].descriptor, 3, &arena));
    }
}

static void envelopes(void)
{
    static const char *const TYPES[] = {"casebus.Envelope", "casebus.Outcome", "casebus.Hello", "casebus.Welcome"};
    begin("envelope");
    for (uint8_t i = 0; i < 4 * ARRAY_LENGTH(TYPES); i++) {
        uint8_t choice[] = {i % ARRAY_LENGTH(TYPES), i / ARRAY_LENGTH(TYPES)};
        const struct contract_message *type = contract_find_message(TYPES[choice[0]]);
        MUST(type != NULL);
        put_message(choice, sizeof choice, random_message(&dice, type->descriptor, 3, &arena));
    }
}

/* A message whose texts are longer than a line may be, each beginning one octet later. */
static ProtobufCMessage *long_message(const ProtobufCMessageDescriptor *type)
{
    static char text[6000];
    memset(text, 'x', sizeof text);
    for (size_t i = 1; i + 2 < sizeof text; i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    ProtobufCMessage *message = arena_alloc(&arena, type->sizeof_message);
    protobuf_c_message_init(type, message);
    for (uint16_t place = 0; place < type->n_fields; place++) {
        const ProtobufCFieldDescriptor *field = &type->fields[place];
        if (field->type == PROTOBUF_C_TYPE_STRING && field->label != PROTOBUF_C_LABEL_REPEATED) {
            contract_set_string_at(message, place, arena_strndup(&arena, text, 1 + 2 * (2000 + place)));
        }
    }
    return message;
}

/* Events are counted in the order of the contract, as the target counts them. */
static void lines(void)
{
    begin("line");
    for (size_t i = 0, n = 0; i < CONTRACT.n_messages; i++) {
        if (CONTRACT.messages[i].kind == CONTRACT_EVENT) {
            uint8_t choice[] = {(uint8_t)(n >> 8), (uint8_t)n};
            put_message(choice, sizeof choice, random_message(&dice, CONTRACT.messages[i].descriptor, 3, &arena));
            put_message(choice, sizeof choice, long_message(CONTRACT.messages[i].descriptor));
            n++;
        }
    }
}

static void put_json(size_t type, const char *text, size_t size)
{
    uint8_t choice[] = {(uint8_t)(type >> 8), (uint8_t)type};
    put(choice, sizeof choice, text, size);
}

/* Under the first message of the contract that it is. */
static void put_reference(const char *path)
{
    struct slice text = file_read(path, &arena);
    for (size_t i = 0; i < CONTRACT.n_messages; i++) {
        ProtobufCMessage *message = NULL;
        if (json_cross(&CONTRACT.messages[i], text.at, text.size, &arena, NULL, &message) == FAULT_NONE) {
            put_json(i, text.at, text.size);
            return;
        }
    }
    MUST_FAIL("a file of reference data is no message of the contract");
}

static void texts(void)
{
    static const char *const FILES[] = {"appeals", "clocks-claims", "clocks", "condition-groups", "loinc-measures",
        "nurse-licensure-compact", "phq-9-es", "phq-9", "plain-reasons", "us-federal-holidays", "pathways/copd"};
    begin("json");
    for (size_t i = 0; i < CONTRACT.n_messages; i++) {
        const char *text = json_write(random_message(&dice, CONTRACT.messages[i].descriptor, 3, &arena),
            i % 2 == 0 ? JSON_LINE : JSON_PRETTY, &arena);
        put_json(i, text, strlen(text));
    }
    for (size_t i = 0; i < ARRAY_LENGTH(FILES); i++) {
        put_reference(arena_printf(&arena, "seeds/reference/%s.json", FILES[i]));
    }
}

/* ---- Bundles ---- */

/* A bundle of the patient and one more entry. */
static void put_pair(struct json_object *patient, struct json_object *entry)
{
    struct json_object *bundle = json_object_new_object(), *entries = json_object_new_array();
    json_object_object_add(bundle, "resourceType", json_object_new_string("Bundle"));
    json_object_object_add(bundle, "type", json_object_new_string("collection"));
    json_object_array_add(entries, json_object_get(patient));
    if (entry != patient) {
        json_object_array_add(entries, json_object_get(entry));
    }
    json_object_object_add(bundle, "entry", entries);
    const char *text = json_object_to_json_string_ext(bundle, JSON_C_TO_STRING_PLAIN);
    put(NULL, 0, text, strlen(text));
    json_object_put(bundle);
}

static void put_bundle(const char *path)
{
    struct slice text = file_read(path, &arena);
    struct json_object *bundle = NULL, *entries = NULL;
    MUST(json_parse(text.at, text.size, &JSON_LIMITS, &arena, NULL, &bundle) == FAULT_NONE);
    MUST(json_object_object_get_ex(bundle, "entry", &entries));
    put(NULL, 0, text.at, text.size);
    for (size_t i = 0; i < json_object_array_length(entries); i++) {
        put_pair(json_object_array_get_idx(entries, 0), json_object_array_get_idx(entries, i));
    }
    json_object_put(bundle);
}

static void bundles(void)
{
    begin("fhir");
    put_bundle("seeds/bundles/rosa-quintanar.json");
    put_bundle("seeds/bundles/harlan-pruitt-osei.json");
}

/* ---- Bus and store ---- */

static void frames(void)
{
    static const uint8_t VERBS[] = {
        VERB_HELLO, VERB_WELCOME, VERB_CMD, VERB_REP, VERB_EVT, VERB_ACK, VERB_TASK, VERB_PING};
    begin("frame");
    struct frame frame = {0};
    for (size_t i = 0; i < ARRAY_LENGTH(VERBS); i++) {
        struct record record = {.verb = VERBS[i],
            .tag = i,
            .root = i,
            .ttl_ms = 1000,
            .stamp = (const uint8_t *)"p",
            .stamp_size = 1,
            .envelope = (const uint8_t *)"envelope",
            .envelope_size = 8,
            .body = (const uint8_t *)"body",
            .body_size = 4};
        MUST(frame_append(&frame, &record));
        put(NULL, 0, frame.bytes, frame.size);
    }
    frame_done(&frame);
}

static void key_files(void)
{
    static const char *const TENANTS[] = {"demo"};
    struct keys *keys = NULL;
    struct why why = {""};
    const char *folder = fuzz_folder();
    begin("keys");
    fuzz_file("root.key", 0400, FUZZ_ROOT_LINE, strlen(FUZZ_ROOT_LINE));
    MUST(keys_open(folder, TENANTS, 1, &keys, &why) == FAULT_NONE);
    MUST(keys_export_lane(keys, "demo", "acme", arena_printf(&arena, "%s/acme.lane", folder), &why) == FAULT_NONE);
    keys_close(&keys);
    const char *secret = arena_printf(&arena, "%s/secret", folder), *public = arena_printf(&arena, "%s/public", folder);
    MUST(actor_key_make(secret, public, &why) == FAULT_NONE);
    const char *paths[] = {arena_printf(&arena, "%s/tenants.keys", folder), arena_printf(&arena, "%s/root.key", folder),
        arena_printf(&arena, "%s/acme.lane", folder), secret, public};
    for (uint8_t i = 0; i < ARRAY_LENGTH(paths); i++) {
        struct slice text = file_read(paths[i], &arena);
        uint8_t choice = i < 3 ? i : 3;
        put(&choice, 1, text.at, text.size);
        put(&choice, 1, text.at, text.size - 1); /* An editor may have left the last line open. */
    }
}

static void settings(void)
{
    begin("settings");
    put_text(0, "# all of the house\nlog-level = debug\ntenants = /etc/casebus/tenants\n\n[fuzz]\nhttp-port = 8080\n"
                "brokers = ipc:///run/a, ipc:///run/b\n[other]\nwhatever = 1\n");
    put_text(0, "instance = i-1\nseeds = \"/usr/share\"\nredis: unix:/run/redis.sock ; here\n");
    put_text(1, "[demo]\nzone = America/New_York\nsynthetic = yes\n\n[other]\nsynthetic = no\n");
}

static void zones(void)
{
    static const char *const NAMES[] = {
        "America/New_York", "Europe/Dublin", "Asia/Kathmandu", "Etc/UTC", "Africa/Casablanca"};
    static const uint8_t CHOICE[8] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0};
    begin("zone");
    for (size_t i = 0; i < ARRAY_LENGTH(NAMES); i++) {
        struct slice bytes = file_read(arena_printf(&arena, "/usr/share/zoneinfo/%s", NAMES[i]), &arena);
        put(CHOICE, sizeof CHOICE, bytes.at, bytes.size);
    }
}

/* One answer for each request, in the order in which the target asks. */
static void answers(void)
{
    static const char *const ANSWERS[] = {
        "*4\r\n:1\r\n$16\r\n0123456789abcdef\r\n$3\r\n5-1\r\n$1\r\n1\r\n*3\r\n$-1\r\n$-1\r\n$-1\r\n",
        "*3\r\n$1\r\n1\r\n$16\r\n0123456789abcdef\r\n$3\r\n5-1\r\n",
        "*2\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nr\r\n$4\r\nCR\1x\r\n*2\r\n$3\r\n5-2\r\n*-1\r\n",
        "*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nr\r\n$4\r\nCR\1x\r\n",
        "*2\r\n$6\r\nintake\r\n$15\r\npayer/demo/acme\r\n",
        "*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nt\r\n$4\r\nbody\r\n",
        "*3\r\n:1700000000000\r\n:-1\r\n*2\r\n$41\r\nintake:case_file:demo:000-a:000-a:reminder\r\n$13\r\n1700000000000\r\n",
        ("$3\r\n5-1\r\n*2\r\n$10\r\ndemo:000-a\r\n$7\r\np 3 5-1\r\n*1\r\n*2\r\n$3\r\n6-1\r\n*10\r\n$1\r\nm\r\n$10\r\ndemo:000-a\r\n"
         "$1\r\ns\r\n$1\r\n3\r\n$1\r\nl\r\n$3\r\n5-1\r\n$1\r\nr\r\n$7\r\nREFUSED\r\n$1\r\nn\r\n$1\r\n5\r\n*1\r\n*2\r\n$3\r\n9-1\r\n*-1\r\n"),
        "*5\r\n$8\r\nbroker-1\r\n:1\r\n:1700000000000\r\n:1700000001000\r\n:1\r\n",
        "*2\r\n$4\r\nC5-1\r\n$21\r\nM0123456789abcdef1 5-1\r\n",
        "*2\r\n$5\r\n000-a\r\n$2\r\n17\r\n",
    };
    begin("redis");
    for (uint8_t i = 0; i < ARRAY_LENGTH(ANSWERS); i++) {
        put_text(i, ANSWERS[i]);
        put_text(i, "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
        put_text(i, "-ERR Function not found\r\n+OK\r\n$-1\r\n");
        put_text(i, "$-1\r\n:1\r\n*0\r\n*1\r\n:1\r\n");
    }
}

static void records(void)
{
    begin("record");
    static const uint8_t SELECT_EVENTS = 1, SELECT_SEAL = 2, SELECT_HEAD = 4, SELECT_NAMES = 5;
    static const char EVENTS[] = "000-a\0command-1\0first event\0second event";
    static const char SEAL[] = "\0\x07"
                               "demo\0intake:case_file\0000-a\0\0\1state\0clear text";
    static const char HEAD[] = "CB\1\0\0\0\0\1\0\0\0\0\0\0\0\1"
                               "0123456789abcdef\0\0\0\1\0\0\0\0sealed";
    put(&SELECT_EVENTS, 1, EVENTS, sizeof EVENTS);
    put(&SELECT_SEAL, 1, SEAL, sizeof SEAL);
    put(&SELECT_HEAD, 1, HEAD, sizeof HEAD);
    put(&SELECT_NAMES, 1, "1700000000000-0", 15);
    put(&SELECT_NAMES, 1, "intake:case_file:demo:000-a:000-a:reminder", 42);
    put_text(3, "\1\0\0\0\1 nonce of twenty-four  ... and a tag of sixteen");
}

/* ---- Insurers ---- */

#define LINE(code)                                                                                                     \
    "\"lines\":[{\"number\":1,\"code\":{\"system\":\"http://www.ama-assn.org/go/cpt\",\"code\":\"" code "\"},"         \
    "\"serviceDate\":\"2026-11-20\",\"units\":2,\"billedCents\":\"25000\"}]"
#define WHO                                                                                                            \
    "\"payerId\":\"p\",\"member\":{\"familyName\":\"Doe\",\"givenName\":\"Jo\",\"birthDate\":\"1950-01-01\",\"sex\":\"SEX_FEMALE\"}"

static void questions(void)
{
    static const struct {
        const char *type, *json;
    } ROWS[] = {
        {"payer.EligibilityQuestion", "{" WHO ",\"serviceDate\":\"2026-11-20\"}"},
        {"payer.AuthorizationNeedQuestion", "{" WHO "," LINE("G0299") "}"},
        {"payer.AuthorizationQuestion",
            "{" WHO ",\"reference\":\"r-1\"," LINE("G0299") ",\"fromDate\":\"2026-11-20\",\"toDate\":\"2026-12-20\"}"},
        {"payer.ClaimQuestion", "{" WHO ",\"reference\":\"c-1\",\"providerNpi\":\"1234567893\"," LINE("99213") "}"},
        {"payer.AppealQuestion",
            "{" WHO ",\"reference\":\"a-1\",\"decisionReference\":\"r-1\",\"level\":1," LINE("G0299") "}"},
    };
    begin("payer");
    for (uint8_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        ProtobufCMessage *message = NULL;
        struct why why = {""};
        if (json_read(contract_find_message(ROWS[i].type), ROWS[i].json, strlen(ROWS[i].json), &arena, &why,
                &message) != FAULT_NONE) {
            fprintf(stderr, "%s: %s\n", ROWS[i].type, why.text);
            MUST_FAIL("a seed of fuzz_payer does not keep the contract");
        }
        for (uint8_t payer = 0; payer < 8; payer++) {
            uint8_t choice[] = {payer, i};
            put_message(choice, sizeof choice, message);
        }
    }
}

int main(int argc, char **argv)
{
    MUST(argc == 2);
    corpus = argv[1];
    arena_init(&arena, (size_t)1 << 30);
    frames();
    envelopes();
    messages();
    lines();
    texts();
    bundles();
    records();
    answers();
    settings();
    key_files();
    zones();
    questions();
    arena_done(&arena);
    return 0;
}
