import type { ShownPipeline } from '#protocols/api/pipelines-wire'
import { duration, shortened } from '#web/ui/format.ts'
import { useNow } from '#web/ui/now.tsx'

/** The branch or tag, and the commit that it meant. */
export function Revision({ run }: { run: ShownPipeline }) {
  const { rev, branch, commit, dirty } = run
  return (
    <>
      <span className="wrap-anywhere">{branch ?? rev ?? ''}</span>{' '}
      {commit === null ? null : (
        <code className="text-xs text-ink-2" title={commit}>
          {shortened(commit)}
        </code>
      )}
      {dirty ? <span className="text-xs text-ink-3"> with changes</span> : null}
    </>
  )
}

/** Who or what set it in motion. */
export function AskedBy({ run: { askedBy, cause, kind } }: { run: ShownPipeline }) {
  if (cause !== null)
    return (
      <>
        policy <code className="text-xs wrap-anywhere text-ink-2">{cause}</code>
      </>
    )
  if (askedBy !== null) return <span className="wrap-anywhere">{askedBy.id}</span>
  return <span className="text-ink-2">{kind === 'recorded' ? 'another machine' : '–'}</span>
}

/** How long it has taken so far, or did. */
export function Took({ run }: { run: { started: string | null; ended: string | null } }) {
  const now = useNow()
  if (run.started === null) return '–'
  const until = run.ended === null ? now : Date.parse(run.ended)
  return duration(Math.max(0, until - Date.parse(run.started)))
}
