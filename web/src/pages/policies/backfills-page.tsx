import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { CalendarRange } from 'lucide-react'
import type { BackfillWire } from '#protocols/api/backfill-wire'
import { backfillsQuery } from '#web/api/policies.ts'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { Ago } from '#web/ui/now.tsx'
import { LINK, Page, Trouble, Waiting } from '#web/ui/page.tsx'
import { AskBackfill } from './ask-backfill.tsx'
import { BackfillCard } from './backfill-card.tsx'
import { PoliciesTabs, Standing } from './parts.tsx'
import { dayIn, progress } from './progress.ts'
import type { BackfillsView } from './view.ts'

const HEAD = 'px-3 py-2 text-left text-xs font-medium whitespace-nowrap text-ink-3'
const CELL = 'border-t border-line px-3 py-2 align-top'

/** Runs of a pipeline for each date of a range, and the dates of one of them. */
export function BackfillsPage() {
  const { backfill }: BackfillsView = useSearch({ from: '/policies/backfills' })
  const { data, error, hasNextPage, fetchNextPage } = useInfiniteQuery(backfillsQuery())
  const backfills = data?.pages.flatMap((page) => page.backfills)
  return (
    <Page
      title="Backfills"
      above={
        <Link to="/policies" search={{}} data-up="" className={LINK}>
          Policies
        </Link>
      }
      lead="A pipeline run once for each date of a range, all at one commit."
    >
      <PoliciesTabs />
      {backfill === undefined ? null : <BackfillCard key={backfill} id={backfill} />}
      <Trouble error={error} />
      {backfills === undefined && error === null ? <Waiting>Asking the server…</Waiting> : null}
      {backfills === undefined ? null : (
        <>
          <Card id="backfills" title="Backfills, newest first" Icon={CalendarRange}>
            {backfills.length === 0 ? (
              <Empty
                why="Nobody has asked for a backfill."
                commands={['orrery backfill PROJECT STAGE --from 2026-01-01 --to 2026-01-31']}
              />
            ) : (
              <BackfillTable backfills={backfills} chosen={backfill} />
            )}
            {hasNextPage ? (
              <button
                type="button"
                className="button self-start"
                onClick={() => void fetchNextPage()}
              >
                Earlier backfills
              </button>
            ) : null}
          </Card>
          <AskBackfill />
        </>
      )}
    </Page>
  )
}

function BackfillTable(parts: { backfills: readonly BackfillWire[]; chosen: string | undefined }) {
  const { backfills, chosen } = parts
  return (
    <section
      aria-label="Backfills"
      // What scrolls has to be reached by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="overflow-x-auto"
    >
      <table className="w-full text-[0.8125rem]">
        <thead>
          <tr>
            {['Backfill', 'Project', 'Range', 'State', 'Dates', 'Asked'].map((name) => (
              <th key={name} scope="col" className={HEAD}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {backfills.map((each) => (
            <tr key={each.id} className={each.id === chosen ? 'bg-sunken' : 'hover:bg-sunken'}>
              <td className={CELL}>
                <Link
                  data-row=""
                  to="/policies/backfills"
                  search={{ backfill: each.id }}
                  aria-current={each.id === chosen ? 'true' : undefined}
                  title={each.id}
                  className={`${LINK} font-mono text-xs`}
                >
                  {each.id.slice(-8)}
                </Link>
              </td>
              <td className={CELL}>
                {each.project}
                {each.targets.length === 0 ? '' : `: ${each.targets.join(', ')}`}
              </td>
              <td className={`${CELL} whitespace-nowrap`}>
                {dayIn(each.from)} to {dayIn(each.to)}, every {each.every}
              </td>
              <td className={CELL}>
                <Standing word={each.state} />
              </td>
              <td className={`${CELL} whitespace-nowrap tabular-nums`}>{progress(each.counts)}</td>
              <td className={`${CELL} whitespace-nowrap text-ink-3`}>
                <Ago time={each.created} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
