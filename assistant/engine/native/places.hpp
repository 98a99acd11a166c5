// Which processors the threads of a team compute on.

#pragma once

#include <omp.h>
#include <sched.h>

#include <atomic>
#include <vector>

// Keeps them on different ones. Linux may wake a thread on the processor of the one that wakes it,
// though others have nothing to do; in a virtual machine it does so most of the time. Two of a team
// would take turns there from one meeting to the next, until the system looks after its load, which
// is three times as slow. Nothing is done where each has a processor of its own.
class Places {
 public:
  // For the team of the calling thread, which is the first of it.
  Places() : processors_(omp_get_max_threads()) {
    for (auto& processor : processors_) processor = -1;
    if (sched_getaffinity(0, sizeof allowed_, &allowed_) != 0) CPU_ZERO(&allowed_);
  }

  // A barrier. Of those that come to it from one place, the first of the team stays.
  void meet() {
    note();
#pragma omp barrier
    const int place = own(), number = omp_get_thread_num();
    bool shared = false;
    for (int other = 0; other < number; ++other) shared |= processors_[other] == place;
    if (!shared) return;
#pragma omp critical
    {
      move();
      note();
    }
  }

 private:
  void note() { own() = sched_getcpu(); }

  std::atomic<int>& own() { return processors_[omp_get_thread_num()]; }

  // To a processor where none of the team computes. The thread keeps off theirs as long as it lives,
  // or it would be woken there again.
  void move() const {
    cpu_set_t free = allowed_;
    for (const auto& processor : processors_)
      if (processor >= 0) CPU_CLR(processor, &free);
    if (CPU_COUNT(&free) > 0) sched_setaffinity(0, sizeof free, &free);
  }

  std::vector<std::atomic<int>> processors_;  // of each thread, -1 where it is not known
  cpu_set_t allowed_;                         // where the team may compute
};
