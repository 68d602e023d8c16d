// SPDX-License-Identifier: MIT
#include <vector>

#include <doctest/doctest.h>

#include "daemon/core/terms_book.hpp"

using namespace jobmill;
using namespace jobmill::core;
using std::chrono::milliseconds;

namespace {

JobTerms delayed(int wait)
{
    return {.delay = milliseconds{wait}};
}

}  // namespace

TEST_CASE("jobs with equal terms share them")
{
    TermsBook terms;
    const TermsHandle one = terms.take({.priority = 5});
    const TermsHandle other = terms.take({.priority = 5});
    CHECK(one == other);
    CHECK(terms[one].priority == 5);
    CHECK(terms.size() == 1);
}

TEST_CASE("terms that differ in anything are kept apart")
{
    TermsBook book;
    const std::vector<JobTerms> all{{},
                                    {.priority = 1},
                                    {.priority = -1},
                                    {.spoils_worker = true},
                                    {.retry_crash = 1},
                                    {.retry_timeout = 1},
                                    {.retry_failure = 1},
                                    {.delay = milliseconds{1}},
                                    {.queue_timeout = milliseconds{1}},
                                    {.run_timeout = milliseconds{1}},
                                    {.backoff = milliseconds{1}},
                                    {.longest_backoff = milliseconds{1}}};
    std::vector<TermsHandle> handles;
    handles.reserve(all.size());
    for (const JobTerms& each : all) {
        handles.push_back(book.take(each));
    }
    CHECK(book.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(book[handles[i]] == all[i]);
    }
}

TEST_CASE("terms stay while one job has them")
{
    TermsBook book;
    const TermsHandle handle = book.take(delayed(1));
    CHECK(book.take(delayed(1)) == handle);
    book.release(handle);
    for (int i = 2; i < 2000; ++i) {
        book.release(book.take(delayed(i)));
    }
    CHECK(book[handle] == delayed(1));
    CHECK(book.take(delayed(1)) == handle);
}

TEST_CASE("terms that no job has are forgotten, and their places used again")
{
    TermsBook book;
    for (int i = 0; i < 10'000; ++i) {
        const TermsHandle handle = book.take(delayed(i));
        CHECK(book[handle] == delayed(i));
        CHECK(number(handle) < 1000);
        book.release(handle);
        CHECK(book.size() < 1000);
    }
}

TEST_CASE("terms that were asked for last and are forgotten have a place of their own again")
{
    TermsBook book;
    int last = 0;
    for (std::size_t kept = 0; kept <= book.size(); ++last) {
        kept = book.size();
        book.release(book.take(delayed(last)));
    }
    --last;
    const TermsHandle handle = book.take(delayed(last));
    for (int i = last + 1; i < last + 1000; ++i) {
        CHECK(book.take(delayed(i)) != handle);
    }
    CHECK(book[handle] == delayed(last));
}
