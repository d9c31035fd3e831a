import { useInfiniteQuery } from '@tanstack/react-query'
import type { ShownRunStage } from '#protocols/api/run-requests-wire'
import { stageTestsQuery, type ShownTest } from '#web/api/pipelines.ts'
import { counted, duration } from '#web/ui/format.ts'
import { Trouble } from '#web/ui/page.tsx'
import { StatePill, type State } from '#web/ui/state.tsx'

const OUTCOMES: Readonly<Record<ShownTest['outcome'], State>> = {
  passed: 'good',
  failed: 'bad',
  error: 'bad',
  skipped: 'none',
}

/** The tests that a stage ran, those that failed first. */
export function StageTests(parts: {
  run: string
  stage: string
  counts: NonNullable<ShownRunStage['tests']>
}) {
  const { run, stage, counts } = parts
  const { data, error, hasNextPage, fetchNextPage } = useInfiniteQuery(stageTestsQuery(run, stage))
  const tests = data?.pages.flatMap((page) => page.tests) ?? []
  return (
    <>
      <p className="text-sm text-ink-2">
        {counted(counts.total, 'test')}: {counts.failed + counts.errors} failed, {counts.passed}{' '}
        passed, {counts.skipped} skipped, in {duration(counts.seconds * 1000)}
      </p>
      <Trouble error={error} />
      <ul className="flex flex-col">
        {tests.map((test, at) => (
          // Reports have tests of one name.
          // oxlint-disable-next-line react/no-array-index-key
          <li key={at} className="flex flex-col gap-1 border-t border-line py-2 text-sm">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <StatePill state={OUTCOMES[test.outcome]}>{test.outcome}</StatePill>
              <span className="min-w-0 font-medium wrap-anywhere">{test.name}</span>
              <span className="text-xs wrap-anywhere text-ink-3">{test.suite}</span>
              <span className="ml-auto text-xs text-ink-3 tabular-nums">
                {duration(test.seconds * 1000)}
              </span>
            </div>
            {test.message === null ? null : (
              <p className="wrap-anywhere text-ink-2">{test.message}</p>
            )}
            {test.detail === null || test.detail === test.message ? null : (
              <details>
                <summary className="min-h-6 cursor-pointer text-xs text-ink-3">Detail</summary>
                <pre className="text-xs wrap-anywhere whitespace-pre-wrap">{test.detail}</pre>
              </details>
            )}
          </li>
        ))}
      </ul>
      {hasNextPage ? (
        <button type="button" className="button self-start" onClick={() => void fetchNextPage()}>
          More tests
        </button>
      ) : null}
    </>
  )
}
