// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include <doctest/doctest.h>

#include "common/unique_fd.hpp"
#include "daemon/job_ids.hpp"
#include "tests/support/eventually.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill;
using jobmill::daemon::JobIds;
using jobmill::tests::eventually;
using jobmill::tests::TempDirectory;

namespace {

JobIds opened(const std::string& directory)
{
    auto ids = JobIds::open(directory);
    REQUIRE_MESSAGE(ids.has_value(), ids.error().what);
    return std::move(*ids);
}

/// What one who changes the file holds meanwhile.
class Held {
public:
    explicit Held(const std::string& path)
        : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600))
    {
        REQUIRE(::flock(file_.get(), LOCK_EX) == 0);
    }

private:
    UniqueFd file_;
};

}  // namespace

TEST_CASE("jobs are numbered from 1 on")
{
    const TempDirectory directory;
    JobIds ids = opened(directory.path());
    CHECK(ids.next() == JobId{1});
    CHECK(ids.next() == JobId{2});
}

TEST_CASE("missing directories are made, for the user alone")
{
    const TempDirectory directory;
    JobIds ids = opened(directory / "state/of/jobmill");
    CHECK(ids.next() == JobId{1});
    struct stat status {};
    REQUIRE(::stat((directory / "state/of/jobmill").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0700U);
}

TEST_CASE("after a crash no number comes again")
{
    const TempDirectory directory;
    std::uint64_t last = 0;
    for (int crash = 0; crash < 5; ++crash) {
        JobIds ids = opened(directory.path());
        for (std::uint64_t i = 0; i < 3 * JobIds::first_block; ++i) {
            const std::uint64_t next = number(ids.next());
            REQUIRE(next > last);
            last = next;
        }
    }
}

TEST_CASE("a daemon that dies before its first job has used a block and no more")
{
    const TempDirectory directory;
    for (std::uint64_t crash = 0; crash < 3; ++crash) {
        CHECK(number(opened(directory.path()).next()) == crash * JobIds::first_block + 1);
    }
}

TEST_CASE("the next block is reserved while the one in use lasts")
{
    const TempDirectory directory;
    JobIds ids = opened(directory.path());
    const std::string of_first = std::to_string(JobIds::first_block + 1) + "\n";
    const std::string of_both = std::to_string(3 * JobIds::first_block + 1) + "\n";
    const auto take_until = [&](std::uint64_t last) {
        while (number(ids.next()) != last) {
        }
    };
    take_until(JobIds::first_block / 2 - 1);
    CHECK(directory.read("next-job") == of_first);
    {
        // As slow as a disk may be: nobody waits for it meanwhile.
        const Held held{directory / "next-job.lock"};
        take_until(JobIds::first_block - 1);
        CHECK(directory.read("next-job") == of_first);
    }
    CHECK(eventually([&] { return directory.read("next-job") == of_both; }));
    const Held held{directory / "next-job.lock"};
    take_until(JobIds::first_block + 10);
}

TEST_CASE("who has no number left waits for the block that is being reserved")
{
    const TempDirectory directory;
    JobIds ids = opened(directory.path());
    auto held = std::make_unique<Held>(directory / "next-job.lock");
    for (std::uint64_t i = 1; i <= JobIds::first_block; ++i) {
        REQUIRE(number(ids.next()) == i);
    }
    held.reset();
    CHECK(number(ids.next()) == JobIds::first_block + 1);
    CHECK(directory.read("next-job") == std::to_string(3 * JobIds::first_block + 1) + "\n");
}

TEST_CASE("an end while a block is reserved waits for it and gives it back")
{
    const TempDirectory directory;
    JobIds ids = opened(directory.path());
    auto held = std::make_unique<Held>(directory / "next-job.lock");
    for (std::uint64_t i = 1; i <= JobIds::first_block / 2; ++i) {
        REQUIRE(number(ids.next()) == i);
    }
    held.reset();
    ids.close();
    CHECK(directory.read("next-job") == std::to_string(JobIds::first_block / 2 + 1) + "\n");
}

TEST_CASE("who starts waits for another one's slow disk")
{
    const TempDirectory directory;
    auto held = std::make_unique<Held>(directory / "next-job.lock");
    const std::jthread writer{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{300});
        held.reset();
    }};
    CHECK(opened(directory.path()).next() == JobId{1});
}

TEST_CASE("after an orderly end the next number is the next one")
{
    const TempDirectory directory;
    for (std::uint64_t i = 0; i < 3; ++i) {
        JobIds ids = opened(directory.path());
        CHECK(ids.next() == JobId{2 * i + 1});
        CHECK(ids.next() == JobId{2 * i + 2});
        ids.close();
        CHECK(directory.read("next-job") == std::to_string(2 * i + 3) + "\n");
    }
}

TEST_CASE("a file that holds no number is refused, not taken for a beginning")
{
    for (const char* content : {"", "\n", "x", "12x", "-5", " 5", "0", "99999999999999999999",
                                "18446744073709551615", "9223372036854775807"}) {
        CAPTURE(content);
        const TempDirectory directory;
        const std::string file = directory.write("next-job", content);
        const auto ids = JobIds::open(directory.path());
        REQUIRE_FALSE(ids.has_value());
        CHECK(ids.error().what == file + " does not hold a job number");
        CHECK(directory.read("next-job") == content);
    }
}

TEST_CASE("a number without its newline is one")
{
    const TempDirectory directory;
    (void)directory.write("next-job", "41");
    CHECK(opened(directory.path()).next() == JobId{41});
}

TEST_CASE("no number is given that the protocol cannot say")
{
    const TempDirectory directory;
    constexpr std::uint64_t greatest = (std::uint64_t{1} << 63U) - 1;
    constexpr std::uint64_t block = std::uint64_t{1} << 20U;
    (void)directory.write("next-job", std::to_string(greatest - block + 1));
    CHECK_FALSE(JobIds::open(directory.path()).has_value());
    (void)directory.write("next-job", std::to_string(greatest - block));
    CHECK(number(opened(directory.path()).next()) == greatest - block);
}

TEST_CASE("what is in the way of the file is an error, not a beginning")
{
    const TempDirectory directory;
    (void)directory.write("next-job/file", "x");
    CHECK_FALSE(JobIds::open(directory.path()).has_value());
}

TEST_CASE("a pipe in the place of the file is waited for neither at the start nor later")
{
    const TempDirectory directory;
    const std::string file = directory / "next-job";
    JobIds ids = opened(directory.path());
    REQUIRE(::unlink(file.c_str()) == 0);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK(ids.next() == JobId{1});
    CHECK(ids.next() == JobId{2});
    const auto others = JobIds::open(directory.path());
    REQUIRE_FALSE(others.has_value());
    CHECK(others.error().what == file + " is no regular file");
}

TEST_CASE("nor is one in the place of the file that takes its place")
{
    const TempDirectory directory;
    REQUIRE(::mkfifo((directory / "next-job.new").c_str(), 0600) == 0);
    const auto ids = JobIds::open(directory.path());
    REQUIRE_FALSE(ids.has_value());
    CHECK(ids.error().what.starts_with("writing " + directory / "next-job.new: "));
}

TEST_CASE("a directory that cannot be made or written is told at the start")
{
    const TempDirectory directory;
    const std::string file = directory.write("file", "x");
    const auto below = JobIds::open(file + "/state");
    REQUIRE_FALSE(below.has_value());
    CHECK(below.error().what.find(file + "/state") != std::string::npos);
    CHECK_FALSE(JobIds::open(file).has_value());
}

TEST_CASE("numbers go on when the file can no longer be written")
{
    const TempDirectory directory;
    JobIds ids = opened(directory / "state");
    std::filesystem::remove_all(directory / "state");
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i < 4 * JobIds::first_block; ++i) {
        const std::uint64_t next = number(ids.next());
        REQUIRE(next == last + 1);
        last = next;
    }
}

TEST_CASE("on a disk that is full at the start numbers go on from the file, or from 1")
{
    const TempDirectory directory;
    (void)directory.write("with/next-job", "41");
    for (const char* const state : {"with", "without"}) {
        std::filesystem::create_directories(directory / state);
        std::filesystem::create_symlink("/dev/full", directory / state + "/next-job.new");
    }
    JobIds ids = opened(directory / "with");
    for (std::uint64_t next = 41; next < 4 * JobIds::first_block; ++next) {
        REQUIRE(number(ids.next()) == next);
    }
    ids.close();
    CHECK(directory.read("with/next-job") == "41");
    CHECK(opened(directory / "without").next() == JobId{1});
}

TEST_CASE("a full disk makes no beginning of a file that holds no number")
{
    const TempDirectory directory;
    (void)directory.write("next-job", "x");
    std::filesystem::create_symlink("/dev/full", directory / "next-job.new");
    CHECK_FALSE(JobIds::open(directory.path()).has_value());
}

TEST_CASE("two daemons in one directory never give the same number")
{
    const TempDirectory directory;
    std::set<JobId> seen;
    for (int restart = 0; restart < 4; ++restart) {
        JobIds one = opened(directory.path());
        JobIds other = opened(directory.path());
        for (std::uint64_t i = 0; i < 2 * JobIds::first_block; ++i) {
            REQUIRE(seen.insert(one.next()).second);
            REQUIRE(seen.insert(other.next()).second);
        }
        // In either order; the one that reserved last may give back what it did not use.
        (restart % 2 == 0 ? one : other).close();
        (restart % 2 == 0 ? other : one).close();
    }
}
