// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <utility>

namespace jobmill {

/// A T that almost always is T{}, and then costs a pointer: what passes by the million carries one
/// instead of all of a T. Otherwise it is a value like any other; moved from, it is T{}.
template <typename T>
class Rarely {
public:
    Rarely() = default;
    // NOLINTNEXTLINE(google-explicit-constructor): it is a T
    Rarely(T value) : held_(value == T{} ? nullptr : std::make_unique<T>(std::move(value))) {}
    Rarely(const Rarely& other) : held_(other.held_ ? std::make_unique<T>(*other) : nullptr) {}
    Rarely(Rarely&&) noexcept = default;
    Rarely& operator=(const Rarely& other)
    {
        held_ = other.held_ ? std::make_unique<T>(*other) : nullptr;
        return *this;
    }
    Rarely& operator=(Rarely&&) noexcept = default;
    ~Rarely() = default;

    /// False only if it is T{}.
    [[nodiscard]] bool present() const noexcept { return held_ != nullptr; }
    [[nodiscard]] const T& operator*() const noexcept
    {
        static const T nothing{};
        return held_ ? *held_ : nothing;
    }
    [[nodiscard]] const T* operator->() const noexcept { return &**this; }
    // NOLINTNEXTLINE(google-explicit-constructor): it is a T
    operator const T&() const noexcept { return **this; }

    /// To be changed; from now on it costs a T.
    [[nodiscard]] T& edit()
    {
        if (!held_) {
            held_ = std::make_unique<T>();
        }
        return *held_;
    }
    [[nodiscard]] T take()
    {
        const auto taken = std::move(held_);
        return taken ? std::move(*taken) : T{};
    }

    friend bool operator==(const Rarely& a, const Rarely& b) { return *a == *b; }

private:
    std::unique_ptr<T> held_;
};

}  // namespace jobmill
