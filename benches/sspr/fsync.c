/* A disk whose fsync takes a fixed time, so that two runs are comparable: preloaded into Postgres, never into anything that matters.
   FSYNC_NS nanoseconds: asleep for most of it, awake for the last bit, since a sleep alone is not that exact. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static long duration;

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("FSYNC_NS");
    duration = text ? atol(text) : 0;
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
}

static long long now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static int wait_for_the_disk(void)
{
    long long end = now() + duration;
    long asleep = duration - 40000;
    if (asleep > 0) {
        struct timespec pause = {asleep / 1000000000L, asleep % 1000000000L};
        nanosleep(&pause, NULL);
    }
    while (now() < end)
        ;
    return 0;
}

int fsync(int fd) { (void)fd; return wait_for_the_disk(); }
int fdatasync(int fd) { (void)fd; return wait_for_the_disk(); }
