// Preloaded into one process: moves its time of day by the number of seconds that a file holds.
//
// The file (SOUK_CLOCK_FILE) holds one int64, mapped into memory, so that a step is seen at once and reading the time makes no
// system call. The monotonic clock is not changed: event loops, timeouts and locks measure as before. A wait until a time of day is
// turned back into the machine's time.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// A time since the start of the machine is far below this, and a time of day far above.
#define TIME_OF_DAY 1000000000

static const int64_t none = 0;
static const volatile int64_t *ahead = &none;

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_gettimeofday)(struct timeval *, void *);
static int (*real_cond_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*real_mutex_timedlock)(pthread_mutex_t *, const struct timespec *);
static int (*real_sem_timedwait)(sem_t *, const struct timespec *);

static void *original(const char *name) {
  // glibc also exports an older pthread_cond_timedwait, which dlsym may find first.
  void *found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
  return found ? found : dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void load(void) {
  real_clock_gettime = original("clock_gettime");
  real_gettimeofday = original("gettimeofday");
  real_cond_timedwait = original("pthread_cond_timedwait");
  real_mutex_timedlock = original("pthread_mutex_timedlock");
  real_sem_timedwait = original("sem_timedwait");
  const char *path = getenv("SOUK_CLOCK_FILE");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) {
    if (path) abort();
    return;
  }
  void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) abort();
  close(file);
  ahead = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  // Other libraries may read the time before ours is loaded.
  int result = real_clock_gettime ? real_clock_gettime(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *ahead;
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int result = real_gettimeofday ? real_gettimeofday(now, zone) : (int)syscall(SYS_gettimeofday, now, zone);
  if (result == 0) now->tv_sec += *ahead;
  return result;
}

time_t time(time_t *now) {
  struct timespec read;
  clock_gettime(CLOCK_REALTIME_COARSE, &read);
  if (now) *now = read.tv_sec;
  return read.tv_sec;
}

static struct timespec of_the_machine(const struct timespec *until) {
  struct timespec moved = *until;
  if (moved.tv_sec > TIME_OF_DAY) moved.tv_sec -= *ahead;
  return moved;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
  struct timespec moved = of_the_machine(until);
  return real_cond_timedwait(cond, mutex, &moved);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
  struct timespec moved = of_the_machine(until);
  return real_mutex_timedlock(mutex, &moved);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
  struct timespec moved = of_the_machine(until);
  return real_sem_timedwait(semaphore, &moved);
}
