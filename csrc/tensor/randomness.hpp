// Counter-based random numbers: hashes of a key, the same as in src/optotype/randomness.py.
#pragma once

#include <cstdint>

namespace optotype {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;

// A 64-bit hash (Steele, Lea, Flood, 2014: SplitMix64).
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// Appends one part to a key.
constexpr std::uint64_t combine(std::uint64_t key, std::uint64_t part) { return mix(key + (part + 1) * kGolden); }

// A number in [0, 1), from the highest 53 bits.
constexpr double uniform(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

}  // namespace optotype
