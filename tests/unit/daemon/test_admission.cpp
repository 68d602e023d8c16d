// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "daemon/admission.hpp"
#include "daemon/descriptor_budget.hpp"

namespace jobmill::daemon {
namespace {

constexpr Submitter anna{.session = SessionId{1}, .uid = 1000};
constexpr Submitter anna_again{.session = SessionId{2}, .uid = 1000};
constexpr Submitter bert{.session = SessionId{3}, .uid = 1001};

constexpr Admission::Limits small{.payload = 100,
                                  .jobs = 6,
                                  .bytes = 60,
                                  .jobs_per_user = 4,
                                  .bytes_per_user = 40,
                                  .jobs_per_session = 3};

JobLoad load(std::uint64_t jobs, std::uint64_t bytes = 0)
{
    return {.jobs = jobs, .bytes = bytes};
}

/// Which limit says no; empty when none does.
std::string refused(const Admission& admission, const Submitter& client, const JobLoad& more)
{
    const auto judged = admission.judge(client, more);
    if (judged) {
        return "";
    }
    CHECK(judged.error().code == error_code::busy);
    CHECK(judged.error().retry_after_ms.value_or(0) > 0);
    const std::string& text = judged.error().text;
    const auto open = text.find('(');
    CHECK(text.ends_with(" is " + std::to_string(judged.error().limit.value_or(0))));
    return text.substr(open + 1, text.find(')') - open - 1);
}

}  // namespace

TEST_CASE("each limit refuses what is beyond it, and nothing below")
{
    Admission admission{small};
    CHECK(refused(admission, anna, load(3)).empty());
    CHECK(refused(admission, anna, load(4)) == "max_jobs_per_session");
    admission.enter(anna, load(3));
    CHECK(refused(admission, anna, load(1)) == "max_jobs_per_session");
    CHECK(refused(admission, anna_again, load(1)).empty());
    CHECK(refused(admission, anna_again, load(2)) == "max_jobs_per_user");
    admission.enter(bert, load(3));
    CHECK(refused(admission, anna_again, load(1)) == "max_jobs");
    admission.leave(bert, load(1));
    CHECK(refused(admission, anna_again, load(1)).empty());
}

TEST_CASE("there is room for several when none of them is refused")
{
    Admission admission{small};
    CHECK(admission.has_room(anna, load(3, 40)));
    CHECK_FALSE(admission.has_room(anna, load(4)));
    CHECK_FALSE(Admission{{.blobs_per_user = 2}}.has_room(anna, {.blobs = 3}));
    // One that is alone may be larger; the second of them is refused.
    CHECK(refused(admission, anna, load(2, 41)).empty());
    CHECK_FALSE(admission.has_room(anna, load(2, 41)));
    admission.enter(anna, load(2, 30));
    CHECK(admission.has_room(anna_again, load(2, 10)));
    CHECK_FALSE(admission.has_room(anna_again, load(3)));
    CHECK_FALSE(admission.has_room(anna_again, load(1, 11)));
    admission.enter(bert, load(3, 20));
    CHECK(admission.has_room(anna_again, load(1, 10)));
    CHECK_FALSE(admission.has_room(anna_again, load(2)));
    CHECK_FALSE(admission.has_room(bert, load(0, 11)));
}

TEST_CASE("payloads with descriptors are bounded for a user, and others are not refused for them")
{
    Admission admission{{.blobs_per_user = 2}};
    const JobLoad large{.jobs = 1, .bytes = 100'000, .blobs = 1};
    admission.enter(anna, large);
    CHECK(refused(admission, anna, large).empty());
    {
        const Admission::Place place{admission, anna_again, large};
        CHECK(refused(admission, anna, large) == "a quarter of what the process may have");
        CHECK(refused(admission, anna, load(1)).empty());
        CHECK(refused(admission, bert, large).empty());
    }
    CHECK(refused(admission, anna, large).empty());
}

TEST_CASE("bytes are bounded for a user and in all, but a payload may be alone")
{
    Admission admission{small};
    CHECK(refused(admission, anna, load(1, 90)).empty());
    admission.enter(anna, load(1, 30));
    CHECK(refused(admission, anna, load(1, 10)).empty());
    CHECK(refused(admission, anna_again, load(1, 11)) == "max_bytes_per_user");
    admission.enter(bert, load(1, 30));
    CHECK(refused(admission, anna, load(1, 1)) == "max_bytes");
    CHECK(refused(admission, anna, load(1, 0)).empty());
}

TEST_CASE("one user at his limit leaves room for another")
{
    Admission admission{small};
    admission.enter(anna, load(4));
    CHECK(refused(admission, anna_again, load(1)) == "max_jobs_per_user");
    CHECK(refused(admission, bert, load(2)).empty());
}

TEST_CASE("what leaves is counted nowhere")
{
    Admission admission{small};
    admission.enter(anna, load(2, 20));
    admission.enter(anna_again, load(1, 5));
    CHECK(admission.all().jobs == 3);
    CHECK(admission.of(1000U).bytes == 25);
    CHECK(admission.of(SessionId{1}).jobs == 2);
    admission.leave(anna, load(2, 20));
    admission.leave(anna_again, load(1, 5));
    CHECK(admission.all().bytes == 0);
    CHECK(admission.of(1000U).jobs == 0);
    CHECK(admission.of(SessionId{2}).jobs == 0);
}

TEST_CASE("a place is taken as long as it lives, wherever it is moved")
{
    Admission admission{small};
    {
        Admission::Place place{admission, anna, load(1, 30)};
        Admission::Place moved{std::move(place)};
        CHECK(admission.all().bytes == 30);
        Admission::Place other{admission, bert, load(1, 5)};
        other = std::move(moved);
        CHECK(admission.of(1000U).jobs == 1);
    }
    CHECK(admission.all().jobs == 0);
    Admission::Place place{admission, anna, load(1, 30)};
    place = {};
    CHECK(admission.all().jobs == 0);
}

TEST_CASE("limits that shrink below what is there let nothing in")
{
    Admission admission{small};
    admission.enter(anna, load(3, 30));
    admission.set_limits({.jobs_per_user = 2});
    CHECK(refused(admission, anna_again, load(1)) == "max_jobs_per_user");
    admission.set_limits({.bytes = 20});
    CHECK(refused(admission, bert, load(1, 1)) == "max_bytes");
}

TEST_CASE("the largest numbers do not wrap")
{
    Admission admission{small};
    admission.enter(anna, load(1, 1));
    CHECK(refused(admission, anna, load(1, UINT64_MAX)) == "max_bytes_per_user");
    CHECK(refused(admission, bert, load(UINT64_MAX, 0)) == "max_jobs_per_session");
    CHECK_FALSE(admission.judge_size(101).has_value());
    CHECK(admission.judge_size(100).has_value());
}

TEST_CASE("descriptors are kept back for workers, more of them from blobs than from sessions")
{
    const DescriptorBudget many{1024};
    CHECK(many.allows_session(959));
    CHECK_FALSE(many.allows_session(960));
    CHECK(many.allows_blob(511));
    CHECK_FALSE(many.allows_blob(512));
    const DescriptorBudget few{64};
    CHECK(few.allows_session(47));
    CHECK_FALSE(few.allows_session(48));
    CHECK(DescriptorBudget::of_this_process().limit() > 0);
}

}  // namespace jobmill::daemon
