// SPDX-License-Identifier: MIT
// libuv uses a handle's memory until its close callback has run, so the owner may die at any moment
// and the handle outlives it until the loop has turned once.
#pragma once

#include <uv.h>

#include <memory>

namespace jobmill::loop {

template <typename Handle>
struct UvClose {
    void operator()(Handle* handle) const noexcept
    {
        handle->data = nullptr;
        uv_close(reinterpret_cast<uv_handle_t*>(handle),
                 [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
    }
};

template <typename Handle>
using UvHandle = std::unique_ptr<Handle, UvClose<Handle>>;

}  // namespace jobmill::loop
