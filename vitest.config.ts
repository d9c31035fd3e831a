import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Servers, planes and commands that tests start are the same code each time: what Node has made of it once is kept, which
// halves the processor time of a start.
process.env['NODE_COMPILE_CACHE'] ??= join(
  import.meta.dirname,
  'node_modules/.cache/orrery/compiled',
)

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
