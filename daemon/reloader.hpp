// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/core/event.hpp"
#include "daemon/job_desk.hpp"
#include "daemon/pool_directory.hpp"
#include "daemon/pool_plan.hpp"
#include "daemon/processes.hpp"
#include "daemon/reload_plan.hpp"

namespace jobmill::daemon {

/// Changes the configuration of the running daemon, all of it or nothing: new pools are started
/// beside the old ones, and only when each has loaded do they take over.
class Reloader {
public:
    /// Who wants to hear how it went; none for a signal.
    struct Asker {
        SessionId session{};
        Tag tag{};
    };

    /// A configuration, and the file that it is from; empty: there is none.
    struct Reading {
        Config config;
        std::string file;
    };

    /// What it needs of the daemon.
    struct Outside {
        PoolDirectory& pools;
        Processes& processes;
        JobDesk& desk;
        std::function<void(const core::Event&)> post;
        /// The file as it is now, with the command line above it.
        std::function<Result<Reading>()> read_again;
        /// How many jobs may run, of all pools together, as it is in force.
        std::function<std::uint64_t()> max_running;
        /// Takes over all that is not about pools.
        std::function<void(const Config&)> adopt;
        std::function<ClientSession*(SessionId)> session;
        std::function<void()> begun;
        std::function<void()> over;
        std::string file;  ///< what is in force is from it
        std::string socket;
        PythonFiles python;
        std::uint32_t cores = 1;
        bool system = false;
    };

    Reloader(Config config, Outside outside);

    [[nodiscard]] const Config& config() const noexcept { return config_; }
    /// Starts the pools of the configuration, under the numbers that the directory gave them.
    void start_pools();

    void request(std::optional<Asker> asker);
    /// Whether this pool is one that a reload waits for; tells it what became of it.
    [[nodiscard]] bool awaits(PoolId pool) const { return awaited_.contains(pool); }
    void loaded(PoolId pool);
    void failed(PoolId pool, const std::string& why);
    /// The last of a pool has left.
    void on_gone(PoolId pool);
    /// The daemon stops: nothing changes any more, and whoever waits for a reload hears so.
    void close();

private:
    /// What a file was when it was loaded.
    struct Stamp {
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        std::uint64_t size = 0;
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    using Stamps = std::vector<Stamp>;

    /// A reload under way.
    struct Change {
        std::optional<Asker> asker;  ///< none: a signal
        Reading wanted;
        ReloadPlan plan;
        std::map<std::string, PoolId> made;  ///< new pools by name
    };

    [[nodiscard]] static Stamps stamps_of(const PoolSettings& pool);
    [[nodiscard]] bool has_aged(const std::string& name) const;
    void start_pool(PoolId pool, const PoolSettings& settings);
    [[nodiscard]] Config in_force() const;
    void begin(Reading wanted, std::optional<Asker> asker);
    void commit();
    void follow(PoolId pool, PoolId successor);
    void retire(PoolId pool);
    void answer(const std::optional<Asker>& asker, const std::vector<std::string>& changes);
    void refuse(const std::optional<Asker>& asker, const std::string& why);
    void tell(const std::optional<Asker>& asker, const ErrorReply& error) const;
    void finish();

    Config config_;
    Outside outside_;
    std::map<PoolId, Stamps> stamps_;
    std::optional<Change> change_;
    std::set<PoolId> awaited_;
    bool closed_ = false;
    bool again_ = false;  ///< asked by signal while one was under way
};

}  // namespace jobmill::daemon
