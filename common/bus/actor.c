#include "common/bus/actor.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/core/base64.h"
#include "common/core/hash.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#define SIGNED_MAX    2048 /* bytes that a leaf is made of */
#define KEY_LINE_MAX  160  /* characters of a key file */
#define SECRET_PREFIX "casebus-actor-secret-1 "
#define PUBLIC_PREFIX "casebus-actor-public-1 "
#define ROOT_WORDS    "casebus actors 1"

/* The byte string that a leaf is the hash of. */
struct signed_text {
    uint8_t bytes[SIGNED_MAX];
    size_t size;
    bool complete; /* every field was there and had room */
};

static void add_bytes(struct signed_text *text, const void *bytes, size_t size)
{
    if (size > SIGNED_MAX - text->size) {
        text->complete = false;
        return;
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static void add_number(struct signed_text *text, uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    add_bytes(text, bytes, sizeof(bytes));
}

static void add_string(struct signed_text *text, const char *value)
{
    if (str_is_empty(value)) {
        text->complete = false;
        return;
    }
    size_t size = strlen(value);
    add_number(text, size);
    add_bytes(text, value, size);
}

static struct signed_text text_of(const Casebus__Envelope *envelope)
{
    struct signed_text text = {.complete = true};
    add_string(&text, "casebus actor 1");
    add_string(&text, envelope->tenant);
    add_string(&text, envelope->actor_id);
    add_number(&text, envelope->has_actor_role ? (uint64_t)envelope->actor_role : 0);
    add_number(&text, envelope->has_actor_simulated && envelope->actor_simulated);
    add_string(&text, envelope->id);
    add_string(&text, envelope->subject);
    add_number(&text, (uint64_t)envelope->issued_at_ms);
    add_number(&text, (uint64_t)envelope->expires_at_ms);
    if (!envelope->has_actor_role || !envelope->has_issued_at_ms || !envelope->has_expires_at_ms) {
        text.complete = false;
    }
    return text;
}

static bool lasts_too_long(const Casebus__Envelope *envelope)
{
    int64_t life_ms;
    return __builtin_sub_overflow(envelope->expires_at_ms, envelope->issued_at_ms, &life_ms) ||
           life_ms > ACTOR_LIFE_MAX_MS;
}

static bool leaf_of(const Casebus__Envelope *envelope, struct actor_hash *out)
{
    struct signed_text text = text_of(envelope);
    if (text.complete) {
        actor_hash_make(out, text.bytes, text.size);
    }
    return text.complete;
}

bool actor_leaf(const Casebus__Envelope *envelope, struct actor_hash *out)
{
    return !lasts_too_long(envelope) && leaf_of(envelope, out);
}

/* What is signed: a root says what it is, so that no other thing that this key signs could be taken for it. */
struct signed_root {
    uint8_t words[sizeof ROOT_WORDS - 1];
    struct actor_hash root;
};

static struct signed_root signed_root_of(const struct actor_hash *root)
{
    struct signed_root signed_root = {.root = *root};
    memcpy(signed_root.words, ROOT_WORDS, sizeof signed_root.words);
    return signed_root;
}

void actor_sign_leaves(
    const struct actor_key *key, const struct actor_hash *leaves, unsigned count, struct actor_proof *proofs)
{
    struct actor_tree tree;
    uint8_t signature[ACTOR_SIGNATURE];
    actor_tree_make(&tree, leaves, count);
    struct signed_root text = signed_root_of(&tree.nodes[1]);
    crypto_sign_detached(signature, NULL, (const uint8_t *)&text, sizeof text, key->secret);
    for (unsigned i = 0; i < count; i++) {
        memcpy(proofs[i].signature, signature, sizeof signature);
        actor_tree_path(&tree, i, proofs[i].path);
        proofs[i].path_count = tree.height;
        proofs[i].place = i;
    }
}

void actor_prove(Casebus__Envelope *envelope, const struct actor_proof *proof)
{
    envelope->has_actor_signature = true;
    envelope->actor_signature = (ProtobufCBinaryData){.data = (uint8_t *)proof->signature, .len = ACTOR_SIGNATURE};
    envelope->has_actor_path = envelope->has_actor_place = proof->path_count > 0;
    envelope->actor_path =
        (ProtobufCBinaryData){.data = (uint8_t *)proof->path, .len = proof->path_count * ACTOR_HASH_SIZE};
    envelope->actor_place = proof->place;
}

bool actor_sign(const struct actor_key *key, Casebus__Envelope *envelope, struct actor_proof *proof)
{
    struct actor_hash leaf;
    if (!actor_leaf(envelope, &leaf)) {
        return false;
    }
    actor_sign_leaves(key, &leaf, 1, proof);
    actor_prove(envelope, proof);
    return true;
}

static bool is_by_one_of(const struct actor_trust *trust, const uint8_t *signature, const struct actor_hash *root)
{
    struct signed_root text = signed_root_of(root);
    for (unsigned i = 0; i < trust->count; i++) {
        if (crypto_sign_verify_detached(signature, (const uint8_t *)&text, sizeof text, trust->keys[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* A root is remembered for what it is, not for who showed it: who leads to it by a path has been signed with it. */
static bool is_signed(const struct actor_trust *trust, struct actor_memory *memory, const Casebus__Envelope *envelope,
    const struct actor_hash *root)
{
    struct actor_hash *place =
        memory != NULL ? &memory->roots[hash_number(root->bytes, ACTOR_HASH_SIZE) % ACTOR_ROOTS_KEPT] : NULL;
    if (place != NULL && memcmp(place, root, sizeof *root) == 0) {
        return true;
    }
    bool good = is_by_one_of(trust, envelope->actor_signature.data, root);
    if (good && place != NULL) {
        *place = *root;
    }
    return good;
}

enum actor_verdict actor_verify(
    const struct actor_trust *trust, struct actor_memory *memory, const Casebus__Envelope *envelope, int64_t now_ms)
{
    struct actor_hash leaf, root;
    if (!envelope->has_actor_signature || envelope->actor_signature.len != ACTOR_SIGNATURE ||
        !leaf_of(envelope, &leaf)) {
        return ACTOR_UNSIGNED;
    }
    if (!actor_tree_climb(&leaf, envelope->actor_place, envelope->actor_path.data, envelope->actor_path.len, &root) ||
        !is_signed(trust, memory, envelope, &root)) {
        return ACTOR_FORGED;
    }
    if (lasts_too_long(envelope)) {
        return ACTOR_LASTING;
    }
    if (now_ms >= envelope->expires_at_ms) {
        return ACTOR_EXPIRED;
    }
    return envelope->issued_at_ms > now_ms + ACTOR_SKEW_MS ? ACTOR_EARLY : ACTOR_GENUINE;
}

const char *actor_verdict_text(enum actor_verdict verdict)
{
    switch (verdict) {
    case ACTOR_GENUINE:
        return "is genuine";
    case ACTOR_UNSIGNED:
        return "is not signed";
    case ACTOR_FORGED:
        return "is not signed by a trusted program";
    case ACTOR_EXPIRED:
        return "was signed for a time that is over";
    case ACTOR_EARLY:
        return "was signed by a clock that is ahead";
    case ACTOR_LASTING:
        return "was signed for too long a time";
    }
    return "?";
}

/* Writes one line into a file that must not be there yet. */
static enum fault write_line(const char *path, mode_t mode, const char *line, struct why *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        why_set(why, "could not make %s: %s", path, strerror(errno));
        return errno == EEXIST ? FAULT_REFUSED : FAULT_UNAVAILABLE;
    }
    size_t size = strlen(line);
    bool whole = fchmod(fd, mode) == 0 && write(fd, line, size) == (ssize_t)size && fsync(fd) == 0;
    int cause = errno;
    close(fd);
    if (!whole) {
        unlink(path);
        why_set(why, "could not write %s: %s", path, strerror(cause));
        return FAULT_UNAVAILABLE;
    }
    return FAULT_NONE;
}

static void format_line(char line[KEY_LINE_MAX], const char *prefix, const uint8_t *bytes, size_t size)
{
    char text[KEY_LINE_MAX - 32];
    sodium_bin2base64(text, sizeof(text), bytes, size, sodium_base64_VARIANT_ORIGINAL);
    snprintf(line, KEY_LINE_MAX, "%s%s\n", prefix, text);
    sodium_memzero(text, sizeof(text));
}

enum fault actor_key_make(const char *secret_path, const char *public_path, struct why *why)
{
    MUST(sodium_init() >= 0);
    uint8_t public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    char line[KEY_LINE_MAX];
    crypto_sign_keypair(public, secret);
    format_line(line, SECRET_PREFIX, secret, sizeof(secret));
    sodium_memzero(secret, sizeof(secret));
    enum fault fault = write_line(secret_path, 0400, line, why);
    sodium_memzero(line, sizeof(line));
    if (fault != FAULT_NONE) {
        return fault;
    }
    format_line(line, PUBLIC_PREFIX, public, sizeof(public));
    fault = write_line(public_path, 0444, line, why);
    if (fault != FAULT_NONE) {
        unlink(secret_path);
    }
    return fault;
}

static enum fault read_fd(int fd, const char *path, bool secret, char line[KEY_LINE_MAX], struct why *why)
{
    struct stat status;
    if (secret && (fstat(fd, &status) != 0 || (status.st_mode & 0077) != 0)) {
        why_set(why, "%s may be read by others than its owner, set its mode to 0400", path);
        return FAULT_REFUSED;
    }
    ssize_t size = read(fd, line, KEY_LINE_MAX - 1);
    if (size < 0) {
        why_set(why, "could not read %s: %s", path, strerror(errno));
        return FAULT_UNAVAILABLE;
    }
    line[size] = '\0';
    if (strlen(line) != (size_t)size) {
        why_set(why, "%s is no text", path);
        return FAULT_REFUSED;
    }
    return FAULT_NONE;
}

static enum fault read_line(const char *path, bool secret, char line[KEY_LINE_MAX], struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        why_set(why, "could not open %s: %s", path, strerror(errno));
        return FAULT_UNAVAILABLE;
    }
    enum fault fault = read_fd(fd, path, secret, line, why);
    close(fd);
    return fault;
}

static bool parse_line(const char *line, const char *prefix, uint8_t *out, size_t size)
{
    if (!str_starts_with(line, prefix)) {
        return false;
    }
    const char *text = line + strlen(prefix);
    size_t digits = strcspn(text, "\n"), got = 0;
    return (text[digits] == '\0' || text[digits + 1] == '\0') &&
           base64_read(out, size, text, digits, sodium_base64_VARIANT_ORIGINAL, &got) && got == size;
}

enum fault actor_key_load(const char *secret_path, struct why *why, struct actor_key *out)
{
    char line[KEY_LINE_MAX];
    struct actor_key key;
    enum fault fault = read_line(secret_path, true, line, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    bool is_key = parse_line(line, SECRET_PREFIX, key.secret, sizeof(key.secret));
    sodium_memzero(line, sizeof(line));
    if (!is_key) {
        why_set(why, "%s is not a secret key of an actor", secret_path);
        return FAULT_REFUSED;
    }
    *out = key;
    actor_key_wipe(&key);
    return FAULT_NONE;
}

void actor_key_wipe(struct actor_key *key)
{
    sodium_memzero(key, sizeof(*key));
}

enum fault actor_trust_load(struct actor_trust *trust, const char *public_path, struct why *why)
{
    char line[KEY_LINE_MAX];
    uint8_t key[sizeof(trust->keys[0])];
    enum fault fault = read_line(public_path, false, line, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    if (!parse_line(line, PUBLIC_PREFIX, key, sizeof(key))) {
        why_set(why, "%s is not a public key of an actor", public_path);
        return FAULT_REFUSED;
    }
    if (trust->count == ACTOR_TRUST_MAX) {
        why_set(why, "%s is one signer more than the %d that can be trusted", public_path, ACTOR_TRUST_MAX);
        return FAULT_REFUSED;
    }
    memcpy(trust->keys[trust->count++], key, sizeof(key));
    return FAULT_NONE;
}
