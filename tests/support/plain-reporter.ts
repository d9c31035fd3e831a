import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/**
 * Closes a run with one plain line of true totals. A file that did not load, a group whose hook failed and an error
 * outside of any test count as a failure each. `npm test` adds its other checks: it reads the totals from the file that
 * it names, and prints the line itself.
 */
export default class PlainReporter implements Reporter {
  onTestRunEnd(
    modules: ReadonlyArray<TestModule>,
    unhandledErrors: ReadonlyArray<SerializedError>,
  ): void {
    const states = modules
      .flatMap((module) => [...module.children.allTests()])
      .map((test) => test.result().state)
    const broken = modules
      .flatMap((module) => [module, ...module.children.allSuites()])
      .filter((suite) => suite.errors().length > 0).length
    const passed = states.filter((state) => state === 'passed').length
    const failedTests = states.filter((state) => state === 'failed').length
    const failed = failedTests + broken + unhandledErrors.length
    const skipped = states.length - passed - failedTests
    const file = process.env['ORRERY_TEST_TOTALS']
    if (file !== undefined) writeFileSync(file, JSON.stringify({ passed, failed, skipped }))
    else
      console.log(
        `\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
      )
  }
}
