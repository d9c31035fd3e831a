import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    reporters: ['default', './tests/support/plain-reporter.ts'],
    // Only against what hangs: two loaded cores make real clients slow.
    testTimeout: 300_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['src/**/*.test.ts', 'tests/**/*.test.ts', 'web/src/**/*.test.{ts,tsx}'],
        },
      },
      {
        extends: true,
        // What clients see is the same on the other database.
        test: {
          name: 'postgres',
          include: [
            'tests/conformance/mlflow/mlflow.test.ts',
            'tests/tracking/*.test.ts',
            'tests/journeys/bad-input.test.ts',
            'tests/openlineage/received.test.ts',
          ],
          globalSetup: './tests/support/postgres-project.ts',
          setupFiles: './tests/support/postgres-worker.ts',
        },
      },
    ],
  },
})
