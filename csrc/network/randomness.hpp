// Random numbers that are a function of what they are for, the same as in engine/randomness.py.
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

// A key made longer by one part.
constexpr std::uint64_t combine(std::uint64_t key, std::uint64_t part) { return mix(key + (part + 1) * kGolden); }

// In [0, 1), of the highest 53 bits.
constexpr double uniform(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

}  // namespace optotype
