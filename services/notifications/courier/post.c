/* Mail by SMTP (libcurl's multi interface, so that nothing waits), or into a folder. */
#include "services/notifications/courier/courier.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/core/entropy.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#define FOLDER "folder:"

struct parcel {
    struct parcel *next;
    CURL *curl;
    struct curl_slist *to;
    char *text;
    size_t size;
    size_t read;
    bool handed; /* the whole text has been taken: what became of it, only the server's reply tells */
    posted *done;
    void *user;
};

struct post {
    struct post_options options;
    CURLM *multi;
    struct parcel *parcels;
    unsigned under_way;
};

static char *copy(const char *text)
{
    char *kept = strdup(text ? text : "");
    MUST(kept != NULL);
    return kept;
}

enum fault post_new(const struct post_options *options, struct why *why, struct post **out)
{
    bool folder = str_starts_with(options->url, FOLDER);
    if (!folder && !str_starts_with(options->url, "smtp://") && !str_starts_with(options->url, "smtps://")) {
        why_set(why, "mail-url is \"%s\": smtp://host:port, smtps://host:port or folder:/path is wanted", options->url);
        return FAULT_INVALID;
    }
    if (folder && mkdir(options->url + strlen(FOLDER), 0700) != 0 && access(options->url + strlen(FOLDER), W_OK) != 0) {
        why_set(why, "the folder %s cannot be written", options->url + strlen(FOLDER));
        return FAULT_UNAVAILABLE;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct post *post = calloc(1, sizeof *post);
    MUST(post != NULL);
    post->options = (struct post_options){copy(options->url), copy(options->user), copy(options->password),
        copy(options->from), options->require_tls, options->timeout_s};
    post->multi = curl_multi_init();
    MUST(post->multi != NULL);
    *out = post;
    return FAULT_NONE;
}

/* ---- A folder ---- */

static bool write_file(const struct post *post, const char *text, size_t size)
{
    char name[ID_FRESH_SIZE];
    char fresh[4096];
    char path[4096];
    const char *folder = post->options.url + strlen(FOLDER);
    id_random(name);
    if (snprintf(fresh, sizeof fresh, "%s/.%s", folder, name) >= (int)sizeof fresh ||
        snprintf(path, sizeof path, "%s/%s.eml", folder, name) >= (int)sizeof path) {
        return false;
    }
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text, size) == (ssize_t)size && fdatasync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return good && rename(fresh, path) == 0;
}

/* ---- SMTP ---- */

static size_t give_text(char *out, size_t size, size_t count, void *user)
{
    struct parcel *parcel = user;
    size_t left = parcel->size - parcel->read;
    size_t taken = size * count < left ? size * count : left;
    memcpy(out, parcel->text + parcel->read, taken);
    parcel->read += taken;
    parcel->handed = parcel->handed || taken == 0;
    return taken;
}

static size_t drop_answer(char *bytes, size_t size, size_t count, void *user)
{
    (void)bytes;
    (void)user;
    return size * count;
}

static void set_options(const struct post *post, struct parcel *parcel)
{
    const struct post_options *options = &post->options;
    curl_easy_setopt(parcel->curl, CURLOPT_URL, options->url);
    curl_easy_setopt(parcel->curl, CURLOPT_MAIL_FROM, options->from);
    curl_easy_setopt(parcel->curl, CURLOPT_MAIL_RCPT, parcel->to);
    curl_easy_setopt(parcel->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(parcel->curl, CURLOPT_READFUNCTION, give_text);
    curl_easy_setopt(parcel->curl, CURLOPT_READDATA, parcel);
    curl_easy_setopt(parcel->curl, CURLOPT_WRITEFUNCTION, drop_answer);
    curl_easy_setopt(parcel->curl, CURLOPT_TIMEOUT, (long)options->timeout_s);
    curl_easy_setopt(parcel->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)options->timeout_s);
    curl_easy_setopt(parcel->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(parcel->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(parcel->curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(parcel->curl, CURLOPT_USE_SSL, options->require_tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_TRY);
    curl_easy_setopt(parcel->curl, CURLOPT_PRIVATE, parcel);
    if (options->user[0] != '\0') {
        curl_easy_setopt(parcel->curl, CURLOPT_USERNAME, options->user);
        curl_easy_setopt(parcel->curl, CURLOPT_PASSWORD, options->password);
    }
}

void post_send(struct post *post, const char *to, const char *text, size_t size, posted *done, void *user)
{
    if (str_starts_with(post->options.url, FOLDER)) {
        bool good = write_file(post, text, size);
        done(user,
            good ? NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_ACCEPTED
                 : NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_TEMPORARY,
            0);
        return;
    }
    struct parcel *parcel = calloc(1, sizeof *parcel);
    MUST(parcel != NULL);
    parcel->text = malloc(size);
    parcel->curl = curl_easy_init();
    parcel->to = curl_slist_append(NULL, to);
    MUST(parcel->text != NULL && parcel->curl != NULL && parcel->to != NULL);
    memcpy(parcel->text, text, size);
    parcel->size = size;
    parcel->done = done;
    parcel->user = user;
    set_options(post, parcel);
    parcel->next = post->parcels;
    post->parcels = parcel;
    post->under_way++;
    curl_multi_add_handle(post->multi, parcel->curl);
}

/* The server's last word decides. Without one it depends on whether it had the whole text: then it may have taken it. */
static Notifications__SendOutcome outcome_of(const struct parcel *parcel, CURLcode result, long code)
{
    if (result == CURLE_OK) {
        return NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_ACCEPTED;
    }
    if (code >= 500 && code < 600 &&
        result != CURLE_LOGIN_DENIED) { /* A wrong password is ours to mend, not the notice's end. */
        return NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_PERMANENT;
    }
    bool refused = code >= 400 && code < 500;
    return parcel->handed && !refused ? NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_UNKNOWN
                                      : NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_TEMPORARY;
}

/* A connection on which something went wrong is not used again. Cut here, because libcurl would say QUIT on it and wait for a server
 * that says nothing, and all other mails with it. */
static void cut_connection(const struct parcel *parcel)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(parcel->curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD) {
        shutdown(fd, SHUT_RDWR);
    }
}

static void end_parcel(struct post *post, struct parcel *parcel, CURLcode result)
{
    long code = 0;
    curl_easy_getinfo(parcel->curl, CURLINFO_RESPONSE_CODE, &code);
    Notifications__SendOutcome outcome = outcome_of(parcel, result, code);
    struct parcel **at = &post->parcels;
    while (*at != parcel) {
        at = &(*at)->next;
    }
    *at = parcel->next;
    post->under_way--;
    if (result != CURLE_OK) {
        cut_connection(parcel);
    }
    curl_multi_remove_handle(post->multi, parcel->curl);
    curl_easy_cleanup(parcel->curl);
    curl_slist_free_all(parcel->to);
    parcel->done(parcel->user, outcome, (uint32_t)code);
    free(parcel->text);
    free(parcel);
}

void post_step(struct post *post)
{
    int running = 0;
    int left = 0;
    curl_multi_perform(post->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(post->multi, &left));) {
        struct parcel *parcel = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &parcel);
        end_parcel(post, parcel, result);
    }
}

size_t post_polls(const struct post *post, struct post_poll *out, size_t room, long *out_wait_ms)
{
    fd_set in, to, odd;
    int last = -1;
    size_t count = 0;
    FD_ZERO(&in);
    FD_ZERO(&to);
    FD_ZERO(&odd);
    *out_wait_ms = -1;
    curl_multi_fdset(post->multi, &in, &to, &odd, &last);
    curl_multi_timeout(post->multi, out_wait_ms);
    for (int fd = 0; fd <= last && count < room; fd++) {
        if (FD_ISSET(fd, &in) || FD_ISSET(fd, &to)) {
            out[count++] = (struct post_poll){fd, FD_ISSET(fd, &in) != 0, FD_ISSET(fd, &to) != 0};
        }
    }
    return count;
}

unsigned post_under_way(const struct post *post)
{
    return post->under_way;
}

void post_free(struct post **post)
{
    if (!*post) {
        return;
    }
    while ((*post)->parcels) {
        end_parcel(*post, (*post)->parcels, CURLE_ABORTED_BY_CALLBACK);
    }
    curl_multi_cleanup((*post)->multi);
    free((char *)(*post)->options.url);
    free((char *)(*post)->options.user);
    free((char *)(*post)->options.password);
    free((char *)(*post)->options.from);
    free(*post);
    *post = NULL;
}
