import { useQuery } from '@tanstack/react-query'
import { FlaskConical } from 'lucide-react'
import type { ExperimentShown } from '#protocols/api/endpoint-wire'
import { experimentQuery } from '#web/api/endpoints.ts'
import { Card } from '#web/ui/card.tsx'
import { count, moment, percent, score } from '#web/ui/format.ts'
import { CELL, HEAD, NUMBER } from './states.tsx'

const WAYS: Readonly<Record<ExperimentShown['by'], string>> = {
  thompson: 'Each revision gets the probability that it earns most',
  'epsilon-greedy': 'The one that has earned most gets nearly all',
}

/** What the revisions that share the traffic have earned, and what they get for it; nothing without an experiment. */
export function ExperimentCard({ endpoint }: { endpoint: string }) {
  const { data: experiment } = useQuery(experimentQuery(endpoint))
  if (experiment === undefined || experiment === null) return null
  return (
    <Card id="experiment" title="Experiment" Icon={FlaskConical}>
      <Standing experiment={experiment} />
    </Card>
  )
}

function Standing({ experiment }: { experiment: ExperimentShown }) {
  const { arms, by, epsilon, since } = experiment
  return (
    <>
      <p className="text-sm text-ink-2">
        {WAYS[by]}; {percent(epsilon)} of the traffic is divided evenly. Rewards since{' '}
        {moment(since)} count.
      </p>
      <div className="overflow-x-auto">
        <table className="w-full text-sm">
          <caption className="sr-only">What each revision has earned</caption>
          <thead>
            <tr>
              <th scope="col" className={HEAD}>
                Revision
              </th>
              {['Traffic', 'Rewards', 'Mean', 'Earns most'].map((name) => (
                <th key={name} scope="col" className={`${HEAD} text-right`}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {arms.map(({ revision, modelVersion, share, rewards, mean, best }) => (
              <tr key={revision}>
                <td className={CELL}>
                  {revision} = {modelVersion}
                </td>
                <td className={NUMBER}>{percent(share)}</td>
                <td className={NUMBER}>{count(rewards)}</td>
                <td className={NUMBER}>{mean === null ? '–' : score(mean)}</td>
                <td className={NUMBER}>{best === null ? 'too few rewards' : percent(best)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}
