import { useMutation, useQueryClient } from '@tanstack/react-query'
import { UserCheck } from 'lucide-react'
import { useState } from 'react'
import type { ShownPipelineDetail } from '#protocols/api/pipelines-wire'
import type { ShownApproval } from '#protocols/api/run-requests-wire'
import { verbAddress } from '#web/api/pipelines.ts'
import { postJson } from '#web/api/send.ts'
import { Card } from '#web/ui/card.tsx'
import { Ago, Moment } from '#web/ui/now.tsx'
import { Trouble } from '#web/ui/page.tsx'
import { StatePill, type State } from '#web/ui/state.tsx'

const OUTCOMES: Readonly<Record<string, State>> = {
  approved: 'good',
  rejected: 'bad',
  'timed-out': 'warning',
}

/** What waits for somebody's word, and who gave theirs. */
export function Approvals({ run }: { run: ShownPipelineDetail }) {
  const approvals = run.request?.approvals ?? []
  if (approvals.length === 0) return null
  return (
    <Card id="approvals" title="Approval" Icon={UserCheck}>
      {approvals.map((approval) =>
        approval.outcome === null && run.ended === null ? (
          <Asked key={approval.stage} run={run.id} approval={approval} />
        ) : (
          <Decided key={approval.stage} approval={approval} />
        ),
      )}
    </Card>
  )
}

function Decided({ approval }: { approval: ShownApproval }) {
  const { stage, outcome, by, comment, decided } = approval
  return (
    <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm">
      <span className="font-medium wrap-anywhere">{stage}</span>
      <StatePill state={OUTCOMES[outcome ?? ''] ?? 'none'}>{outcome ?? 'not decided'}</StatePill>
      {by === null ? null : <span className="wrap-anywhere text-ink-2">by {by.id}</span>}
      {decided === null ? null : (
        <span className="text-ink-3">
          <Ago time={decided} />
        </span>
      )}
      {comment === null ? null : <q className="wrap-anywhere text-ink-2">{comment}</q>}
    </p>
  )
}

function Asked({ run, approval }: { run: string; approval: ShownApproval }) {
  const client = useQueryClient()
  const [comment, setComment] = useState('')
  const { stage, message, until } = approval
  const deciding = useMutation({
    mutationFn: (verb: 'approve' | 'reject') =>
      postJson(verbAddress(run, verb), {
        stage,
        comment: comment.trim() === '' ? null : comment,
      }),
    onSettled: () => client.invalidateQueries({ queryKey: ['pipeline', run] }),
  })
  return (
    <div className="flex flex-col gap-3">
      <p className="text-sm wrap-anywhere">
        <span className="font-medium">{stage}</span> waits for approval
        {message === null ? '.' : `: ${message}`}{' '}
        {until === null ? null : (
          <span className="text-ink-3">
            until <Moment time={until} />
          </span>
        )}
      </p>
      <label className="flex max-w-prose flex-col gap-1 text-xs text-ink-3">
        Comment on {stage}
        <textarea
          rows={2}
          maxLength={2000}
          className="field h-auto py-1.5"
          value={comment}
          onChange={({ target }) => setComment(target.value)}
        />
      </label>
      <Trouble error={deciding.error} />
      <div className="flex gap-2">
        {(['approve', 'reject'] as const).map((verb) => (
          <button
            key={verb}
            type="button"
            className="button"
            disabled={deciding.isPending}
            onClick={() => deciding.mutate(verb)}
          >
            {verb === 'approve' ? 'Approve' : 'Reject'}
            <span className="sr-only"> {stage}</span>
          </button>
        ))}
      </div>
    </div>
  )
}
