// Preloaded into a process: shifts its time of day by the number of seconds in a file.
//
// The file (SOUK_CLOCK_FILE) holds one int64 and is mapped into memory, so that a change takes effect at once and reading the time
// needs no system call. The monotonic clock is unchanged, so event loops, timeouts and locks work as before. Deadlines in time of day
// are converted back to the machine's time.
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

// Monotonic times are far below this, times of day far above.
#define TIME_OF_DAY 1000000000

static const int64_t no_offset = 0;
static const volatile int64_t *offset = &no_offset;

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_gettimeofday)(struct timeval *, void *);
static int (*real_cond_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*real_mutex_timedlock)(pthread_mutex_t *, const struct timespec *);
static int (*real_sem_timedwait)(sem_t *, const struct timespec *);

static void *original(const char *name) {
  // glibc also exports an older pthread_cond_timedwait, which dlsym may find first.
  void *symbol = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
  return symbol ? symbol : dlsym(RTLD_NEXT, name);
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
  offset = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  // Other libraries may read the time before our constructor has run.
  int result = real_clock_gettime ? real_clock_gettime(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset;
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int result = real_gettimeofday ? real_gettimeofday(now, zone) : (int)syscall(SYS_gettimeofday, now, zone);
  if (result == 0) now->tv_sec += *offset;
  return result;
}

time_t time(time_t *now) {
  struct timespec current;
  clock_gettime(CLOCK_REALTIME_COARSE, &current);
  if (now) *now = current.tv_sec;
  return current.tv_sec;
}

static struct timespec to_machine_time(const struct timespec *deadline) {
  struct timespec converted = *deadline;
  if (converted.tv_sec > TIME_OF_DAY) converted.tv_sec -= *offset;
  return converted;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline) {
  struct timespec converted = to_machine_time(deadline);
  return real_cond_timedwait(cond, mutex, &converted);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline) {
  struct timespec converted = to_machine_time(deadline);
  return real_mutex_timedlock(mutex, &converted);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline) {
  struct timespec converted = to_machine_time(deadline);
  return real_sem_timedwait(semaphore, &converted);
}
