// SPDX-License-Identifier: MIT
// The built-in handlers, in a real worker.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <sstream>

#include <doctest/doctest.h>

#include "common/blob.hpp"
#include "tests/unit/worker/worker_harness.hpp"

namespace jobmill::test {
namespace {

using Counts = std::map<std::string, std::uint64_t>;

void add_counts(Counts& counts, const std::string& lines)
{
    std::istringstream in{lines};
    for (std::string line; std::getline(in, line);) {
        const std::size_t tab = line.rfind('\t');
        REQUIRE(tab != std::string::npos);
        counts[line.substr(0, tab)] += std::stoull(line.substr(tab + 1));
    }
}

/// A file that needs no name of its own: the worker opens this process's descriptor.
class TestFile {
public:
    explicit TestFile(std::string_view contents) : file_(::memfd_create("test-file", MFD_CLOEXEC))
    {
        REQUIRE(write_blob(file_.get(), 0, bytes_of(contents)));
    }
    [[nodiscard]] std::string path() const
    {
        return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file_.get());
    }

private:
    UniqueFd file_;
};

/// What jobs over ranges of `step` bytes count together.
Counts count_in_ranges(TestWorker& worker, const std::string& handler, const std::string& text,
                       std::size_t step)
{
    const TestFile file{text};
    Counts counts;
    for (std::size_t offset = 0; offset < text.size(); offset += step) {
        const Answer answer =
            worker.run({.handler = handler,
                        .args = {{"path", file.path()}, {"offset", offset}, {"length", step}}});
        REQUIRE_MESSAGE(answer.succeeded, answer.cause.text);
        add_counts(counts, answer.result);
    }
    return counts;
}

std::string failure_of(TestWorker& worker, const Work& work)
{
    const Answer answer = worker.run(work);
    CHECK(!answer.succeeded);
    CHECK(answer.cause.kind == "error");
    return answer.cause.text;
}

}  // namespace

TEST_CASE("sum adds up to a number and refuses what is none")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    CHECK(worker.run({.handler = "sum", .payload = "0"}).result == "0");
    CHECK(worker.run({.handler = "sum", .payload = "3000000\n"}).result == "4500001500000");
    CHECK(failure_of(worker, {.handler = "sum", .payload = "ten"}) == "sum: not a number: \"ten\"");
    CHECK(failure_of(worker, {.handler = "sum", .payload = "12x"}) == "sum: not a number: \"12x\"");
    CHECK(failure_of(worker, {.handler = "sum", .payload = ""}) == "sum: not a number: \"\"");
    CHECK(failure_of(worker, {.handler = "sum", .payload = "6074001000"}).find("too large") !=
          std::string::npos);
    CHECK(
        failure_of(worker, {.handler = "sum", .payload = std::string(30, '9')}).find("too large") !=
        std::string::npos);
}

TEST_CASE("sleep refuses what is no duration")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    CHECK(failure_of(worker, {.handler = "sleep", .payload = "soon"}) ==
          "sleep: not a duration: \"soon\"");
}

TEST_CASE("sha256 gives the digests of FIPS 180-4, of payloads and of file ranges")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    CHECK(worker.run({.handler = "sha256"}).result ==
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(worker.run({.handler = "sha256", .payload = "abc"}).result == abc);
    CHECK(worker.run({.handler = "sha256", .payload = std::string(1'000'000, 'a')}).result ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    const TestFile file{"xabcx"};
    CHECK(worker
              .run({.handler = "sha256",
                    .args = {{"path", file.path()}, {"offset", 1}, {"length", 3}}})
              .result == abc);
    const std::string beyond =
        failure_of(worker, {.handler = "sha256", .args = {{"path", file.path()}, {"length", 6}}});
    CHECK(beyond.find("ends beyond the file") != std::string::npos);
}

TEST_CASE("a word is two ASCII letters or more, in lower case")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    Counts counts;
    add_counts(counts, worker
                           .run({.handler = "text.wordcount",
                                 .payload = "The cat's THE \xc3\xbc"
                                            "ber_cat1cat a"})
                           .result);
    CHECK(counts == Counts{{"the", 2}, {"cat", 3}, {"ber", 1}});
}

TEST_CASE("words of any length are counted whole, wherever they stand")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    std::string text;
    Counts expected;
    for (std::size_t length = 1; length <= 33; ++length) {
        for (std::size_t before = 0; before < 9; ++before) {
            for (const char letter : {'a', 'Z'}) {
                text += std::string(before, "-@[`{1\x80\xff\n"[before]);
                text += std::string(length, letter) + ' ';
                if (length > 1) {
                    ++expected[std::string(length, letter == 'a' ? 'a' : 'z')];
                }
            }
        }
    }
    const auto count = [&](const std::string& payload) {
        Counts counts;
        add_counts(counts, worker.run({.handler = "text.wordcount", .payload = payload}).result);
        return counts;
    };
    CHECK(count(text) == expected);
    for (std::size_t length = 2; length <= 20; ++length) {
        const std::string last(length, 'b');
        CHECK(count("1 " + last) == Counts{{last, 1}});
        CHECK(count(last + "1") == Counts{{last, 1}});
    }
}

TEST_CASE("ranges that tile a text count each word once, wherever they are cut")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    const std::string text = "it is what it is\n\n--- and that  is that, isn't it";
    Counts whole;
    add_counts(whole, worker.run({.handler = "text.wordcount", .payload = text}).result);
    for (std::size_t step = 1; step <= text.size(); ++step) {
        CAPTURE(step);
        CHECK(count_in_ranges(worker, "text.wordcount", text, step) == whole);
    }
}

TEST_CASE("ranges that tile a file count each ngram's line once, wherever they are cut")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    for (const std::string text : {"a\t1999\t5\t1\na\t2000\t7\t1\nbb c\t1\t1\t1\na\t3\t100\t9\n",
                                   "x_NOUN\t1800\t18446744073709\t1\nx\t1\t2\t3"}) {
        const Counts whole = count_in_ranges(worker, "ngram.count", text, text.size());
        for (std::size_t step = 1; step < text.size(); ++step) {
            CAPTURE(step);
            CHECK(count_in_ranges(worker, "ngram.count", text, step) == whole);
        }
    }
    CHECK(count_in_ranges(worker, "ngram.count", "a\t1\t5\t1\na\t2\t7\t1\nb\t1\t1\t1\n", 9) ==
          Counts{{"a", 12}, {"b", 1}});
}

TEST_CASE("a file of many buffers is counted as a whole")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    std::string text;
    for (int i = 0; i < 200'000; ++i) {
        text += "ngram" + std::to_string(i / 1000) + '\t' + std::to_string(i % 1000) + "\t2\t1\n";
    }
    const Counts counts = count_in_ranges(worker, "ngram.count", text, text.size() / 3);
    CHECK(counts.size() == 200);
    CHECK(counts.at("ngram7") == 2000);
}

TEST_CASE("a malformed line is told with its byte")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    for (const std::string bad : {"b\t1\t2", "b", "\t1\t2\t3", "b\tx\t2\t3", "b\t1\t\t3", "",
                                  "b\t1\t2\t3\r", "b\t1\t99999999999999999999\t3"}) {
        CAPTURE(bad);
        const TestFile file{"a\t1\t2\t3\n" + bad + "\nc\t1\t2\t3\n"};
        const std::string text =
            failure_of(worker, {.handler = "ngram.count", .args = {{"path", file.path()}}});
        CHECK(text.find("ngram.count: " + file.path() + ": byte 8: not ") == 0);
    }
}

TEST_CASE("a file that cannot be read is told with its name and the reason")
{
    TestTemplate pool{{"--allow-paths"}};
    TestWorker worker = pool.fork();
    CHECK(failure_of(worker, {.handler = "ngram.count", .args = {{"path", "/nowhere"}}}) ==
          "ngram.count: /nowhere: No such file or directory");
    CHECK(failure_of(worker, {.handler = "sha256", .args = {{"path", "/proc"}}}) ==
          "sha256: /proc: not a regular file");
    CHECK(failure_of(worker, {.handler = "ngram.count"}) == "argument \"path\" is missing");
    for (const std::string handler : {"sha256", "text.wordcount", "ngram.count"}) {
        CHECK(failure_of(worker, {.handler = handler,
                                  .args = {{"length", 1}, {"pth", "/proc"}, {"path", "/proc"}}}) ==
              handler + ": no argument \"pth\"; there are path, offset, length");
    }
    CHECK(failure_of(worker, {.handler = "sha256", .args = {{"offset", 1}}}) ==
          "sha256: argument \"offset\" without \"path\"");
    CHECK(failure_of(worker,
                     {.handler = "ngram.count", .args = {{"path", "/proc"}, {"offset", -1}}}) ==
          "ngram.count: argument \"offset\" is negative");
    CHECK(failure_of(worker, {.handler = "ngram.count", .args = {{"path", 5}}}) ==
          "argument \"path\": want text");
}

TEST_CASE("without permission no handler opens a file that a job names, and says why")
{
    const TestFile file{"a\t1\t2\t3\n"};
    TestTemplate pool;
    TestWorker worker = pool.fork();
    for (const char* const handler : {"sha256", "text.wordcount", "ngram.count"}) {
        const std::string text =
            failure_of(worker, {.handler = handler, .args = {{"path", file.path()}}});
        CHECK(text.starts_with(std::string{handler} + ": argument \"path\" is off in this pool"));
        CHECK(text.find("(uid " + std::to_string(::geteuid()) + ")") != std::string::npos);
    }
    CHECK(worker.run({.handler = "sha256"}).succeeded);
}

}  // namespace jobmill::test
