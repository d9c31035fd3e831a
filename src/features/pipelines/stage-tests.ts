import { Problem } from '#base/problem'
import type { TestCase } from '#stages'
import type { Tracking } from '#tracking'
import type { TestCounts } from './recording.ts'
import type { PipelineReads } from './recording-store.ts'

/** Where the run of a stage keeps the tests that it told of. */
export const TESTS_FILE = 'tests/cases.json'

export function countsOf(cases: readonly TestCase[]): TestCounts {
  const count = (outcome: TestCase['outcome']) =>
    cases.filter((each) => each.outcome === outcome).length
  return {
    total: cases.length,
    passed: count('passed'),
    failed: count('failed'),
    errors: count('error'),
    skipped: count('skipped'),
    seconds: cases.reduce((sum, { seconds }) => sum + seconds, 0),
  }
}

/** Throws `not-found` where the stage told of no tests. */
export async function testsOf(
  { read, tracking }: { read: PipelineReads; tracking: Tracking },
  pipelineRun: string,
  stage: string,
): Promise<TestCase[]> {
  const kept = (await read.stages(pipelineRun)).find((each) => each.stage === stage)
  if (kept?.run === undefined || kept.run === null || kept.tests === undefined)
    throw new Problem(
      'not-found',
      `stage ${stage} of ${pipelineRun} told of no tests; let it write a JUnit report, as pytest --junitxml does, to an output *.xml or to meta.junit`,
    )
  const folder = await tracking.artifacts.folderOf({ run: kept.run })
  const bytes = await (await folder.find(TESTS_FILE)).open()
  const chunks: Buffer[] = []
  for await (const chunk of bytes) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as TestCase[]
}
