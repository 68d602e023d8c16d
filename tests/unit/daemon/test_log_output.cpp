// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <string>

#include <doctest/doctest.h>

#include "daemon/log_output.hpp"
#include "tests/unit/daemon/temp_directory.hpp"

using namespace jobmill;
using log::JournalOutput;
using log::LineOutput;

namespace {

struct Pipe {
    Pipe()
    {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        reading = UniqueFd{ends[0]};
        writing = UniqueFd{ends[1]};
    }
    UniqueFd reading;
    UniqueFd writing;
};

std::string read_all(int fd)
{
    std::string all;
    std::array<char, 65536> buffer{};
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    for (ssize_t size = 0; (size = ::read(fd, buffer.data(), buffer.size())) > 0;) {
        all.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return all;
}

UniqueFd datagram_socket(const std::string& path)
{
    UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    REQUIRE(socket);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return socket;
}

std::string receive(int socket)
{
    std::array<char, 65536> buffer{};
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    return size < 0 ? "nothing" : std::string{buffer.data(), static_cast<std::size_t>(size)};
}

}  // namespace

TEST_CASE("a pipe that nobody reads loses lines, never the writer, and works again once read")
{
    const Pipe pipe;
    LineOutput output{pipe.writing.get()};
    const std::string line = std::string(999, 'x') + '\n';
    std::size_t taken = 0;
    while (output.write(line)) {
        ++taken;
        REQUIRE(taken < 10'000);
    }
    CHECK(taken >= 16);
    CHECK_FALSE(output.write(line));
    CHECK((::fcntl(pipe.writing.get(), F_GETFL) & O_NONBLOCK) == 0);  // it is others' too
    CHECK(read_all(pipe.reading.get()).size() == taken * line.size());
    CHECK(output.write("again\n"));
    CHECK(read_all(pipe.reading.get()) == "again\n");
}

TEST_CASE("a pipe whose reader is gone loses lines and no more")
{
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    LineOutput output{pipe.writing.get()};
    pipe.reading.reset();
    CHECK_FALSE(output.write("lost\n"));
    LineOutput opened_late{pipe.writing.get()};
    CHECK_FALSE(opened_late.write("lost\n"));
    (void)std::signal(SIGPIPE, before);
}

TEST_CASE("a disk that is full loses lines and no more")
{
    const UniqueFd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    REQUIRE(full);
    LineOutput output{full.get()};
    CHECK_FALSE(output.write("lost\n"));
    CHECK_FALSE(output.write("lost\n"));
}

TEST_CASE("a socket whose peer does not read loses lines, and a torn one ends before the next")
{
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const UniqueFd reading{ends[0]};
    const UniqueFd writing{ends[1]};
    LineOutput output{writing.get()};
    const std::string line = std::string(2'999, 'x') + '\n';
    std::size_t taken = 0;
    while (output.write(line)) {
        ++taken;
        REQUIRE(taken < 10'000);
    }
    const std::string before = read_all(reading.get());
    CHECK(before.size() >= taken * line.size());
    CHECK(output.write("again\n"));
    const std::string all = before + read_all(reading.get());
    CHECK((all.ends_with("\nagain\n")));
}

TEST_CASE("a file that is emptied under the daemon goes on from its start")
{
    const tests::TempDirectory directory;
    const std::string path = directory / "log";
    // As a shell opens it that was told > and not >>.
    const UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(file);
    LineOutput output{file.get()};
    CHECK(output.write("before\n"));
    REQUIRE(::truncate(path.c_str(), 0) == 0);
    CHECK(output.write("after\n"));
    const UniqueFd again{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    CHECK(read_all(again.get()) == "after\n");
}

TEST_CASE("an entry of the journal has the line, the priority and every field")
{
    CHECK(log::journal_entry(4, "worker crashed",
                             {{"pool", "images"}, {"job", 17U}, {"cause", "exit code 3"}}) ==
          "MESSAGE=worker crashed pool=images job=17 cause=\"exit code 3\"\n"
          "PRIORITY=4\nSYSLOG_IDENTIFIER=jobmilld\nJOBMILL_EVENT=worker crashed\n"
          "JOBMILL_POOL=images\nJOBMILL_JOB=17\nJOBMILL_CAUSE=exit code 3\n");
}

TEST_CASE("a value of several lines cannot add fields to an entry of the journal")
{
    const std::string entry =
        log::journal_entry(3, "pool down", {{"cause", "one\nPRIORITY=0"}, {"pool", ""}});
    const std::string size{"\x0e\0\0\0\0\0\0\0", 8};
    CHECK(entry.ends_with("JOBMILL_EVENT=pool down\nJOBMILL_CAUSE\n" + size + "one\nPRIORITY=0\n"));
    CHECK(entry.starts_with("MESSAGE=pool down cause=\"one\\nPRIORITY=0\"\nPRIORITY=3\n"));
}

TEST_CASE("entries reach the journal's socket, and one that is restarted is found again")
{
    const tests::TempDirectory directory;
    const std::string path = directory / "socket";
    UniqueFd journal = datagram_socket(path);
    auto output = JournalOutput::open(path);
    REQUIRE(output);
    CHECK(output->write("MESSAGE=one\n"));
    CHECK(receive(journal.get()) == "MESSAGE=one\n");
    journal.reset();
    CHECK_FALSE(output->write("MESSAGE=lost\n"));
    REQUIRE(::unlink(path.c_str()) == 0);
    journal = datagram_socket(path);
    CHECK(output->write("MESSAGE=two\n"));
    CHECK(receive(journal.get()) == "MESSAGE=two\n");
}

TEST_CASE("a journal that does not read loses entries, never the writer")
{
    const tests::TempDirectory directory;
    const std::string path = directory / "socket";
    const UniqueFd journal = datagram_socket(path);
    auto output = JournalOutput::open(path);
    REQUIRE(output);
    int taken = 0;
    while (output->write("MESSAGE=one\n")) {
        ++taken;
        REQUIRE(taken < 100'000);
    }
    CHECK(taken > 0);
    CHECK(receive(journal.get()) == "MESSAGE=one\n");
    CHECK(output->write("MESSAGE=one\n"));
}

TEST_CASE("without a journal's socket the format is refused with its path")
{
    const tests::TempDirectory directory;
    const auto output = JournalOutput::open(directory / "nothing");
    REQUIRE_FALSE(output);
    CHECK(output.error().what == "there is no journal at " + (directory / "nothing"));
}

TEST_CASE("standard error is the journal when device and inode are the same")
{
    struct stat file {};
    file.st_dev = 8;
    file.st_ino = 12345;
    CHECK(log::means_journal("8:12345", file));
    CHECK_FALSE(log::means_journal("8:12346", file));
    CHECK_FALSE(log::means_journal("9:12345", file));
    CHECK_FALSE(log::means_journal("", file));
    CHECK_FALSE(log::means_journal("8:12345:1", file));
}
