/* A broker core in a world of its own: virtual time, peers with names, a store in memory that answers at once. A story is a list of
 * lines; what the broker says is compared line by line.
 *
 *     hello NAME [serves=a,b] [group=g] [wants=s,t] [lanes=l,m] [credit=n]     a peer links, or links anew
 *     cmd|qry NAME subject [root=r] [ttl=ms] [class=n]                           NAME asks
 *     rep NAME STATUS | ack NAME | nak NAME ms | term NAME                     NAME answers the oldest record it has in hand
 *     later NAME                                                               NAK that says UNAVAILABLE: not now
 *     gone NAME | bye NAME | alive NAME                                        its link is lost; it leaves; it says PONG
 *     garbage NAME                                                             bytes that are no frame
 *     log root sequence subject | task lane root | timer service root name     something is stored
 *     timers count service name | tasks count lane | logs count subject        so many, each of a root of its own
 *     handled lane|timers                                                      a commit removed the first task or timer
 *     wait ms                                                                  time passes
 *     store up|down|fence|fail                                                 FENCE, FAIL: the next writing is refused, or lost
 *     store loading|loaded                                                     nothing can be read now; it can again
 *     retry group root | skip group root                                       an operator lets a parked root go on
 *     = line                                                                   the broker's next word is this line
 *     = nothing                                                                it has said no more
 *
 * Words of the broker: `NAME VERB what`, where what is `root/sequence try n` of an event, `lane root try n` of a task, `root name` of
 * a timer, `subject ttl n` of a command, the status of an answer; `store cursor g at`, `store dead g root/sequence WHY`,
 * `store done lane`, `store unpark g root`. WELCOME, PING, PONG and BYE are left out. */
#ifndef TESTS_BUS_BROKER_WORLD_H
#define TESTS_BUS_BROKER_WORLD_H

#include "services/broker/core.h"

/* Plays the story; fails the test at the first line that is not so, showing where. */
void broker_story(const char *const *lines);

/* The counters at the end of the last story. */
extern struct broker_counters broker_story_counters;

#define STORY(...) broker_story((const char *const[]){__VA_ARGS__, NULL})

#endif
