import { lstat, readFile, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { messageOf } from '#base/problem'
import { CASES_MAX, readReport, REPORT_BYTES_MAX } from '#protocols/junit/index'
import type { TestCase, TestReports } from '#stages'

/** Reports of tests in a project's folder; what cannot be read is told of, and nobody's failure. */
export function testReports(root: string): TestReports {
  return {
    read: async (paths) => {
      const cases: TestCase[] = []
      const complaints: string[] = []
      for (const path of paths) {
        try {
          const text = await textOf(root, path)
          if (text !== undefined) cases.push(...readReport(text))
        } catch (error) {
          complaints.push(`${path} was not read as a report of tests: ${messageOf(error)}`)
        }
      }
      if (cases.length > CASES_MAX)
        complaints.push(`of ${cases.length} tests the first ${CASES_MAX} are kept`)
      return { cases: cases.slice(0, CASES_MAX), complaints }
    },
  }
}

/** A stage could put a link in the place of its report, to have something else read. */
async function textOf(root: string, path: string): Promise<string | undefined> {
  const found = await lstat(join(root, path)).catch(() => undefined)
  if (found === undefined || !found.isFile()) return undefined
  const [real, inside] = await Promise.all([realpath(join(root, path)), realpath(root)])
  if (!real.startsWith(inside + sep)) return undefined
  if (found.size > REPORT_BYTES_MAX)
    throw new Error(`it has more than ${REPORT_BYTES_MAX / 1024 ** 2} MiB`)
  return readFile(real, 'utf8')
}
