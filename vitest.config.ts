import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts', 'web/src/**/*.test.{ts,tsx}'],
    reporters: ['default', './tests/support/plain-reporter.ts'],
    // Only against what hangs: two loaded cores make real clients slow.
    testTimeout: 300_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
  },
})
