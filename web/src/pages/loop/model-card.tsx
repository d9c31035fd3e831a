import { Link } from '@tanstack/react-router'
import { Box, Check, X } from 'lucide-react'
import type { CheckWire, OverviewWire, PromotionWire } from '#protocols/api/overview-wire'
import { Card, Section } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { day, score } from '#web/ui/format.ts'
import { RunLink } from '#web/ui/run-link.tsx'
import { StatePill, type State } from '#web/ui/state.tsx'

const PROMOTION_STATE: Readonly<Record<PromotionWire['state'], State>> = {
  checking: 'busy',
  accepted: 'good',
  refused: 'warning',
}

export function ModelCard({ overview, className }: { overview: OverviewWire; className: string }) {
  const { champion } = overview
  return (
    <Card id="model" title="Champion" Icon={Box} className={className}>
      {champion === null ? (
        <NoChampion overview={overview} />
      ) : (
        <div className="flex flex-col gap-1">
          <p className="text-xl font-semibold tracking-tight">
            <Link
              to="/models/$model"
              params={{ model: champion.model }}
              search={{}}
              className="underline-offset-4 hover:underline"
            >
              {champion.model} <span className="text-accent">v{champion.version}</span>
            </Link>
          </p>
          <p className="text-[0.8125rem] text-ink-3">
            since {day(champion.event ?? champion.since)}
            {champion.run === null ? null : (
              <>
                {' · run '}
                <RunLink run={champion.run} />
              </>
            )}
          </p>
          <WhyPromoted promotion={champion.promotion} />
        </div>
      )}
      <LastChecks promotion={overview.promotions[0]} />
    </Card>
  )
}

function NoChampion({ overview: { registered } }: { overview: OverviewWire }) {
  return registered === null ? (
    <Empty
      why="No model is registered. A run that logs a model with registered_model_name registers it."
      commands={['orrery repro']}
    />
  ) : (
    <Empty
      why={`${registered.model} has version ${registered.version}, and nothing is champion yet.`}
      commands={[`orrery promote ${registered.model}:${registered.version} champion`]}
    />
  )
}

function WhyPromoted({ promotion }: { promotion: PromotionWire | null }) {
  const comparison = promotion?.checks.find((check) => check.comparison !== null)?.comparison
  if (promotion === null) return null
  if (comparison === undefined || comparison === null)
    return (
      <p className="mt-1 text-[0.8125rem] text-ink-2">
        {promotion.replaced === null
          ? 'The first to be promoted: there was nothing to compare with.'
          : `It replaced v${promotion.replaced}.`}
      </p>
    )
  return (
    <p className="mt-1 text-[0.8125rem] text-ink-2">
      {comparison.metric} {score(comparison.candidate)} against {score(comparison.champion)} of v
      {promotion.replaced ?? '?'} on predictions that neither had seen
      {comparison.confidence === null
        ? '.'
        : `: better with ${(comparison.confidence * 100).toFixed(1)} % confidence.`}
    </p>
  )
}

/** The newest request for promotion, check by check. */
function LastChecks({ promotion }: { promotion: PromotionWire | undefined }) {
  return (
    <Section id="checks" title="Last checks">
      {promotion === undefined ? (
        <Empty
          why="No candidate has been checked. Checks stand in orrery.yaml under models."
          commands={['orrery promote MODEL:VERSION champion']}
        />
      ) : (
        <>
          <div className="flex flex-wrap items-center justify-between gap-2">
            <p className="font-medium">
              v{promotion.version}
              <span className="font-normal text-ink-3">
                {promotion.replaced === null ? '' : ` against v${promotion.replaced}`}
              </span>
            </p>
            <StatePill state={PROMOTION_STATE[promotion.state]}>{promotion.state}</StatePill>
          </div>
          <ul className="flex flex-col gap-2">
            {promotion.checks.map((check) => (
              <CheckLine key={check.check} check={check} />
            ))}
          </ul>
        </>
      )}
    </Section>
  )
}

function CheckLine({ check }: { check: CheckWire }) {
  const Icon = check.passed ? Check : X
  return (
    <li className="flex gap-2 text-[0.8125rem]">
      <Icon
        aria-hidden
        size={15}
        strokeWidth={2}
        className={`mt-0.5 shrink-0 ${check.passed ? 'text-good' : 'text-bad'}`}
      />
      <span className="min-w-0">
        <span className="font-medium">{check.check}</span>{' '}
        <span className="sr-only">{check.passed ? 'passed' : 'failed'}:</span>
        <span className="text-ink-3">{check.reason}</span>
      </span>
    </li>
  )
}
