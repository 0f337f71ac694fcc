#pragma once
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

// Extensions that the importer hides: glibc declares them under _GNU_SOURCE only, or as variadic.
int accept4(int, struct sockaddr *, socklen_t *, int);
int pipe2(int[2], int);
ssize_t process_vm_readv(pid_t, const struct iovec *, unsigned long, const struct iovec *,
                         unsigned long, unsigned long);
// The Swift runtime's own (swift/Demangling/Demangle.h).
char *swift_demangle(const char *, size_t, char *, size_t *, unsigned);
void *memmem(const void *, size_t, const void *, size_t);

static inline int name_this_thread(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

// The calling thread preempts no other when it wakes up, and has less of a processor (sched(7);
// setpriority(2), C library/kernel differences). Where that is forbidden, nothing changes.
static inline void give_way(int niceness) {
  enum { batch = 3 };  // SCHED_BATCH
  const struct sched_param none = {0};
  syscall(SYS_sched_setscheduler, 0, batch, &none);
  setpriority(PRIO_PROCESS, 0, niceness);
}

static inline int bytes_to_read(int descriptor) {
  int count = 0;
  return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}

// A hash for tables in memory: 128-bit products folded, a few instructions for 16 bytes. With a
// secret seed its collisions cannot be looked for; where it decides nothing alone, that is enough.
static inline unsigned long long hash_bytes(const void *bytes, size_t count,
                                            unsigned long long seed) {
  const unsigned char *next = (const unsigned char *)bytes;
  unsigned long long hash = seed ^ (count * 0x9E3779B97F4A7C15ull);
  while (count > 0) {
    unsigned long long first = 0, second = 0;
    size_t taken = count < 16 ? count : 16;
    if (taken == 16) {
      __builtin_memcpy(&first, next, 8);
      __builtin_memcpy(&second, next + 8, 8);
    } else {
      __builtin_memcpy(&first, next, taken < 8 ? taken : 8);
      if (taken > 8) __builtin_memcpy(&second, next + 8, taken - 8);
    }
    unsigned __int128 product = (unsigned __int128)(first ^ hash ^ 0xD6E8FEB86659FD93ull) *
                                (second ^ seed ^ 0xA0761D6478BD642Full);
    hash = (unsigned long long)(product >> 64) ^ (unsigned long long)product;
    next += taken;
    count -= taken;
  }
  return hash;
}

// Copies a text while looking at it, sixteen bytes at a time. True when it may stand in a log as it
// is: no control characters, quotes or backslashes, nothing beyond ASCII (it may be malformed), and
// nothing that secrets cannot do without: `eyJ`, `Bearer `, `password=`, the @ of `user:secret@host`,
// percent-encoded or not. Up to 16 bytes behind the copy may be overwritten.
typedef unsigned char text_vector __attribute__((vector_size(16)));
typedef signed char signed_text_vector __attribute__((vector_size(16)));

static inline int text_any(text_vector found) {
  unsigned long long halves[2];
  __builtin_memcpy(halves, &found, 16);
  return (halves[0] | halves[1]) != 0;
}

static inline int hexadecimal_digit(unsigned char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  byte |= 0x20;
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

// Whether a percent-encoded text has, once decoded, what secrets cannot do without.
static __attribute__((noinline)) int may_encode_secret(const unsigned char *from, size_t count) {
  unsigned long long latest = 0;
  int has_authority = 0;
  for (size_t index = 0; index < count; index++) {
    unsigned char byte = from[index];
    if (byte == '%' && index + 2 < count) {
      const int first = hexadecimal_digit(from[index + 1]), second = hexadecimal_digit(from[index + 2]);
      if (first >= 0 && second >= 0) {
        byte = (unsigned char)(first << 4 | second);
        index += 2;
      }
    }
    latest = latest << 8 | byte;
    switch (byte) {
    case 'J': if ((latest & 0xFFFFFF) == 0x65794A) return 1; break;                      // eyJ
    case ' ':
    case '+': if ((latest >> 8 & 0xFFFFFFFFFF) == 0x6561726572) return 1; break;         // earer
    case '=': if (latest == 0x617373776F72643D) return 1; break;                         // assword=
    case '/': if ((latest & 0xFFFFFF) == 0x3A2F2F) has_authority = 1; break;             // ://
    case '@': if (has_authority) return 1; break;
    }
  }
  return 0;
}

static inline __attribute__((always_inline)) int copy_plain_text(unsigned char *to, const unsigned char *from, size_t count) {
  text_vector bad = {0}, bearer = {0}, space = {0}, encoded = {0}, password = {0}, equals = {0};
  size_t index = 0;
  while (index < count) {
    text_vector text = {'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a'};
    unsigned char *part = (unsigned char *)&text;
    if (count >= 16) {
      if (index + 16 > count) index = count - 16;
      __builtin_memcpy(part, from + index, 16);
    } else if (count >= 8) {
      __builtin_memcpy(part, from, 8);
      __builtin_memcpy(part + count - 8, from + count - 8, 8);
    } else if (count >= 4) {
      __builtin_memcpy(part, from, 4);
      __builtin_memcpy(part + count - 4, from + count - 4, 4);
    } else {
      for (size_t byte = 0; byte < count; byte++) part[byte] = from[byte];
    }
    __builtin_memcpy(to + index, &text, 16);
    // As signed bytes, what is beyond ASCII lies below the space as well.
    bad |= (text_vector)(((signed_text_vector)text < 0x20) | (text == 0x7F) | (text == '"') |
                         (text == '\\') | (text == '@'));
    encoded |= (text_vector)((text == 'J') | (text == '%'));
    bearer |= (text_vector)((text | 0x20) == 'b');
    // A space or a plus, and six others.
    space |= (text_vector)((text | 0x0B) == '+');
    password |= (text_vector)(text == 'w');
    equals |= (text_vector)(text == '=');
    index += 16;
  }
  if (text_any(bad)) return 0;
  if (!text_any(encoded | bearer | password)) return 1;
  if (text_any(encoded) &&
      (memmem(from, count, "eyJ", 3) ||
       (memchr(from, '%', count) && may_encode_secret(from, count))))
    return 0;
  if (text_any(bearer) && text_any(space) &&
      (memmem(from, count, "earer ", 6) || memmem(from, count, "earer+", 6)))
    return 0;
  return !(text_any(password) && text_any(equals) && memmem(from, count, "assword=", 8));
}

static inline unsigned three_letters(const char *three) {
  return (unsigned)three[0] << 16 | (unsigned)three[1] << 8 | (unsigned)three[2];
}

// Whether a parameter's name ends like that of a condition made of others, whose value has names.
static inline int ends_like_logic(unsigned latest) {
  const unsigned before = latest >> 16;
  return latest == three_letters("and") ||
         ((latest & 0xFFFF) == three_letters("\0or") && (!before || before == '.' || before == '&'));
}

// Whether a name in a query has three letters in a row that only secrets' names and few others
// have, or is encoded.
static inline int may_name_secret(const unsigned char *query, size_t count) {
  const unsigned char *next = query, *const end = query + count, *logic_end = query;
  unsigned latest = 0;
  // Few queries have any; where one does, a parameter may begin within a value.
  if (memchr(query, ';', count)) return 1;
  for (; next < end; next++) {
    if (*next == '=' && next >= logic_end) {
      const unsigned char *more = (const unsigned char *)memchr(next, '&', (size_t)(end - next));
      if (ends_like_logic(latest)) {
        logic_end = more ? more : end;
      } else {
        if (!more) return 0;
        next = more;
      }
    }
    if (*next == '%') return 1;
    latest = (latest << 8 | *next | 0x20) & 0xFFFFFF;
    // Most letters begin none of these: c, j, k, p, r, s, t and z do, by their place in the alphabet.
    if (!(0x41D0C08u >> (latest >> 16 & 31) & 1)) continue;
    static const char names[][4] = {"cod", "jwt", "ken", "key", "kie", "pas",
                                    "pwd", "ret", "sig", "tia", "zat"};
    for (size_t name = 0; name < sizeof names / sizeof *names; name++)
      if (latest == three_letters(names[name])) return 1;
  }
  return 0;
}

static inline void copy_lines(unsigned char *to, const unsigned char *from, size_t count) {
  __builtin_memcpy(to, from, count);
}

// Copies whole lines of 64 bytes to where a line begins, past the caches.
static inline void store_lines(unsigned char *to, const unsigned char *from, size_t count) {
  for (size_t line = 0; line < count; line += 64) {
    text_vector first, second, third, fourth, *place = (text_vector *)(to + line);
    __builtin_memcpy(&first, from + line, 16);
    __builtin_memcpy(&second, from + line + 16, 16);
    __builtin_memcpy(&third, from + line + 32, 16);
    __builtin_memcpy(&fourth, from + line + 48, 16);
    __builtin_nontemporal_store(first, place);
    __builtin_nontemporal_store(second, place + 1);
    __builtin_nontemporal_store(third, place + 2);
    __builtin_nontemporal_store(fourth, place + 3);
  }
}

// Puts records into a ring of 64-byte lines, their length at the end of their last line, and says
// how many bytes that is. Past the caches, if so wanted: nobody reads them unless the process is
// killed. The lines are written whole, in order with what a killed thread had done before.
static inline size_t keep_records(unsigned char *ring, size_t capacity, size_t offset,
                                  const unsigned char *records, size_t count, int past_caches) {
  void (*const put)(unsigned char *, const unsigned char *, size_t) =
      past_caches ? store_lines : copy_lines;
  const size_t whole = count & ~(size_t)63, size = (count + 4 + 63) & ~(size_t)63;
  const size_t first = whole < capacity - offset ? whole : capacity - offset;
  const unsigned length = (unsigned)count;
  unsigned char last[128] = {0};
  __builtin_memcpy(last, records + whole, count - whole);
  __builtin_memcpy(last + (size - whole) - 4, &length, 4);
  put(ring + offset, records, first);
  put(ring, records + first, whole - first);
  for (size_t line = whole; line < size; line += 64)
    put(ring + (offset + line) % capacity, last + (line - whole), 64);
  return size;
}

// Starts a program as another user, in a session of its own, with its output on one descriptor; it
// is sent a signal when the thread that started it is gone. Between fork and exec only system calls
// are made, since other threads may hold any lock (signal-safety(7)). A uid of -1 changes no user.
static inline pid_t spawn_supervised(const char *path, char *const *arguments,
                                     char *const *environment, uid_t uid, gid_t gid, int output,
                                     int death_signal) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
  setsid();
  if (uid != (uid_t)-1) {
    if (syscall(SYS_setgroups, 1, &gid) != 0 || syscall(SYS_setresgid, gid, gid, gid) != 0 ||
        syscall(SYS_setresuid, uid, uid, uid) != 0)
      _exit(126);
  }
  // After the change of user, which clears it (prctl(2)).
  prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0);
  if (getppid() != parent) _exit(126);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, 0);
  dup2(output, 1);
  dup2(output, 2);
  syscall(SYS_close_range, 3, ~0U, 0);
  if (chdir("/") != 0) _exit(126);
  execve(path, arguments, environment);
  _exit(127);
}

static inline int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }

// Swift has no thread-local variables. Each object file that inlines this has its own, so it is
// called from one Swift function only, and that one is never inlined.
static inline long *thread_shard(void) {
  static _Thread_local long shard;
  return &shard;
}

// A sampling profiler's part that runs inside a signal handler: it reads saved frame pointers with
// a system call, which fails where a load would crash, and writes words into memory that was there
// before. Each object file that inlines these has its own state, so one Swift file calls them all.
static inline int cpu_profile_works(void) {
#if defined(__x86_64__) || defined(__aarch64__)
  return 1;
#else
  return 0;
#endif
}

enum { cpu_profile_depth_max = 96 };

struct cpu_profile {
  unsigned long *words;  // a thread's id, a number of frames, the frames: innermost first; and so on
  size_t capacity;
  size_t used;
  size_t lost;
};

static inline struct cpu_profile **cpu_profile_current(void) {
  static struct cpu_profile *current;
  return &current;
}

static inline void cpu_profile_sample(int signal, siginfo_t *information, void *context) {
  (void)signal;
  (void)information;
  const int saved_errno = errno;
  struct cpu_profile *profile = __atomic_load_n(cpu_profile_current(), __ATOMIC_ACQUIRE);
  if (!profile) return;
  unsigned long frames[cpu_profile_depth_max];
  size_t count = 0;
  unsigned long pc = 0, frame = 0, stack = 0;
#if defined(__x86_64__)
  // REG_RBP, REG_RSP, REG_RIP of <sys/ucontext.h>, which names them under _GNU_SOURCE only.
  const ucontext_t *user = (const ucontext_t *)context;
  frame = (unsigned long)user->uc_mcontext.gregs[10];
  stack = (unsigned long)user->uc_mcontext.gregs[15];
  pc = (unsigned long)user->uc_mcontext.gregs[16];
#elif defined(__aarch64__)
  const ucontext_t *user = (const ucontext_t *)context;
  frame = user->uc_mcontext.regs[29];
  stack = user->uc_mcontext.sp;
  pc = user->uc_mcontext.pc;
#endif
  frames[count++] = pc;
  unsigned long least = stack;
  const pid_t self = getpid();
  while (count < cpu_profile_depth_max) {
    // Swift marks the frames of asynchronous functions in a bit that no address has.
    frame &= 0x0FFFFFFFFFFFFFFFUL;
    if (frame < least || (frame & 7)) break;
    unsigned long pair[2];
    struct iovec local = {pair, sizeof pair}, remote = {(void *)frame, sizeof pair};
    if (process_vm_readv(self, &local, 1, &remote, 1, 0) != (ssize_t)sizeof pair) break;
    if (pair[1] < 4096) break;
    frames[count++] = pair[1] - 1;  // into the call, not behind it
    least = frame + sizeof pair;
    frame = pair[0];
  }
  const size_t size = count + 2;
  const size_t at = __atomic_fetch_add(&profile->used, size, __ATOMIC_RELAXED);
  if (at + size > profile->capacity) {
    __atomic_fetch_add(&profile->lost, 1, __ATOMIC_RELAXED);
  } else {
    profile->words[at + 1] = count;
    for (size_t index = 0; index < count; index++) profile->words[at + 2 + index] = frames[index];
    __atomic_store_n(&profile->words[at], (unsigned long)syscall(SYS_gettid), __ATOMIC_RELEASE);
  }
  errno = saved_errno;
}

// The handler stays: a signal that is late would end the process without one.
static inline int cpu_profile_begin(struct cpu_profile *profile) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = cpu_profile_sample;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset(&action.sa_mask);
  if (sigaction(SIGPROF, &action, 0) != 0) return 0;
  __atomic_store_n(cpu_profile_current(), profile, __ATOMIC_RELEASE);
  return 1;
}

static inline void cpu_profile_end(void) {
  __atomic_store_n(cpu_profile_current(), (struct cpu_profile *)0, __ATOMIC_RELEASE);
}

// A timer of the thread's own processor time that signals that very thread: a timer of the process
// would signal whichever thread the kernel likes best. The clock's number is the kernel's encoding
// of "this thread's scheduled time" (posix-timers.h).
static inline int cpu_profile_watch(pid_t thread, long nanoseconds, timer_t *timer) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = 4;  // SIGEV_THREAD_ID
  event.sigev_signo = SIGPROF;
  event._sigev_un._tid = thread;
  if (timer_create((clockid_t)((~(unsigned)thread << 3) | 6), &event, timer) != 0) return 0;
  struct itimerspec interval = {{0, nanoseconds}, {0, nanoseconds}};
  return timer_settime(*timer, 0, &interval, 0) == 0;
}

// The commit that is built; defined for the App alone.
#ifndef LUCARNE_REVISION
#define LUCARNE_REVISION "unknown"
#endif
static inline const char *lucarne_revision(void) { return LUCARNE_REVISION; }
