// Memory on cache-line boundaries.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace cimsim::kernels {

// A zero-filled array of plain values on a 64-byte boundary.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : size_(size), data_(allocate(size)) {}

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::align_val_t kAlign{64};
  struct Free {
    void operator()(T* p) const { ::operator delete(p, kAlign); }
  };
  static T* allocate(std::size_t size) {
    T* p = static_cast<T*>(::operator new(size * sizeof(T), kAlign));
    std::uninitialized_value_construct_n(p, size);
    return p;
  }

  std::size_t size_ = 0;
  std::unique_ptr<T[], Free> data_;
};

}  // namespace cimsim::kernels
