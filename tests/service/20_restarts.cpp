// SPDX-License-Identifier: MIT
#include <atomic>
#include <csignal>
#include <map>
#include <set>
#include <thread>

#include "tests/e2e/e2e_daemon.hpp"
#include "tests/service/pretend_manager.hpp"

namespace jobmill::tests {
namespace {

/// What a client has seen of its jobs.
struct Account {
    std::map<std::string, std::size_t> ends;  ///< by state, or the code of a refusal
    std::size_t accepted = 0;
    std::size_t unanswered = 0;  ///< submitted to a daemon that left before it took them
    std::size_t sessions = 0;
    std::set<std::uint64_t> numbers;  ///< of accepted jobs
    std::vector<std::string> faults;
};

/// One session: a few jobs at a time, until the daemon leaves or it is over.
class Submitter {
public:
    Submitter(const std::string& socket, Account& account) : client_(socket), account_(account)
    {
        ++account_.sessions;
    }

    void work(const std::atomic<bool>& over)
    {
        while (!closing_ && !over) {
            for (int i = 0; i < jobs_at_once; ++i) {
                submit();
            }
            while (!open_.empty() && hear()) {
            }
        }
        while (!open_.empty() && hear()) {
        }
        settle();
    }

private:
    static constexpr int jobs_at_once = 4;

    void submit()
    {
        const std::string id = std::to_string(++last_id_);
        open_.emplace(id, false);
        try {
            if (last_id_ % 3 == 0) {
                client_.submit(id, "sleep", "3ms");
            } else {
                client_.submit(id, "sum", "20000");
            }
        } catch (const std::exception&) {
            closing_ = true;  // it has left; what it said before is still to be read
        }
    }

    /// One message; false at the end of the session.
    bool hear()
    {
        const auto message = client_.next();
        if (!message) {
            closing_ = ended_ = true;
            return false;
        }
        const std::string_view op = message->text_at("op");
        if (op == "accepted") {
            accept(*message);
        } else if (op == "result") {
            end(std::string{message->text_at("id")}, message->text_at("state"));
        } else if (op == "error") {
            end(std::string{message->text_at("id")}, message->text_at("code"));
        } else if (op == "closing") {
            closing_ = true;
        } else {
            account_.faults.push_back("unexpected " + std::string{op});
        }
        return true;
    }

    void accept(const Value& message)
    {
        std::uint64_t number = std::stoull(std::string{message.text_at("job")});
        for (const Value& id : *message.find("ids")->array()) {
            open_.at(*id.text()) = true;
            ++account_.accepted;
            if (!account_.numbers.insert(number++).second) {
                account_.faults.push_back("a job number was given twice");
            }
        }
    }

    void end(const std::string& id, std::string_view how)
    {
        if (open_.erase(id) == 0) {
            account_.faults.push_back("job " + id + " ended twice");
        }
        ++account_.ends[std::string{how}];
    }

    /// The session is over: what was accepted must have ended.
    void settle()
    {
        for (const auto& [id, accepted] : open_) {
            if (accepted || !ended_) {
                account_.faults.push_back("job " + id + " ended silently");
            } else {
                ++account_.unanswered;
            }
        }
    }

    JsonClient client_;
    Account& account_;
    std::map<std::string, bool> open_;  ///< submitted and not ended; true: accepted
    std::uint64_t last_id_ = 0;
    bool closing_ = false;
    bool ended_ = false;
};

void submit_until(const std::atomic<bool>& over, const std::string& socket, Account& account)
{
    try {
        while (!over) {
            Submitter{socket, account}.work(over);
        }
    } catch (const std::exception& error) {
        account.faults.emplace_back(error.what());
    }
}

/// All of them at work; joined at the end, however that comes.
class Crowd {
public:
    Crowd(std::size_t size, const std::string& socket) : accounts_(size)
    {
        for (Account& account : accounts_) {
            threads_.emplace_back(
                [this, &account, socket] { submit_until(over_, socket, account); });
        }
    }
    ~Crowd() { disperse(); }
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    const std::vector<Account>& disperse()
    {
        over_ = true;
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
        return accounts_;
    }

private:
    std::atomic<bool> over_ = false;
    std::vector<Account> accounts_;
    std::vector<std::thread> threads_;
};

}  // namespace

TEST_CASE("restarts under sixteen clients refuse nobody and lose no job that was accepted")
{
    constexpr std::size_t clients = 16;
    constexpr std::size_t restarts = 8;
    PretendManager manager;
    manager.listen();
    Crowd crowd{clients, manager.socket()};
    std::vector<Account> accounts;
    for (std::size_t round = 0; round <= restarts; ++round) {
        const auto daemon = manager.start(pool_config(2));
        // All of them are in the middle of something: the last to come has been served.
        daemon->await_ready();
        JsonClient latecomer{manager.socket()};
        latecomer.submit("a", "sum", "100");
        CHECK(latecomer.result("a").text_at("payload") == "5050");
        if (round == restarts) {
            accounts = crowd.disperse();
        }
        daemon->signal(SIGTERM);
        CHECK(daemon->await_departure().exit_code == 0);
    }
    Account all;
    for (const Account& account : accounts) {
        CHECK(account.faults == std::vector<std::string>{});
        all.accepted += account.accepted;
        all.sessions += account.sessions;
        all.unanswered += account.unanswered;
        for (const auto& [how, count] : account.ends) {
            all.ends[how] += count;
        }
        for (const std::uint64_t number : account.numbers) {
            CHECK(all.numbers.insert(number).second);
        }
    }
    std::size_t ended = 0;
    for (const auto& [how, count] : all.ends) {
        const bool refused = how == "closing";
        const bool told = how == "succeeded" || how == "cancelled" || how == "interrupted";
        CHECK_MESSAGE((refused || told), how);
        ended += refused ? 0 : count;
    }
    CHECK(ended == all.accepted);
    CHECK(all.ends["succeeded"] > 0);
    // Each of them has met several daemons.
    CHECK(all.sessions > clients * 2);
    MESSAGE(all.sessions, " sessions, ", all.accepted, " jobs accepted, ", all.ends["succeeded"],
            " succeeded, ", all.ends["cancelled"], " cancelled, ", all.ends["closing"],
            " refused, ", all.unanswered, " without an answer");
}

}  // namespace jobmill::tests
