import { Link } from '@tanstack/react-router'
import { Database } from 'lucide-react'
import type { DatasetWire, OverviewWire } from '#protocols/api/overview-wire'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { bytes, counted, shortened } from '#web/ui/format.ts'
import { Ago } from '#web/ui/now.tsx'
import { LINK } from '#web/ui/page.tsx'

export function DataCard({ overview, className }: { overview: OverviewWire; className: string }) {
  const { datasets, projects } = overview
  return (
    <Card id="data" title="Data" Icon={Database} className={className}>
      {datasets.length === 0 ? (
        <Empty
          why="No dataset version is known. Track a file or folder in your project, commit, and let the server know the project."
          commands={[
            'orrery add data/months',
            'git commit -am "First data"',
            'orrery project add .',
          ]}
        />
      ) : (
        <ul className="flex flex-col gap-4">
          {datasets.map((dataset) => (
            <li key={`${dataset.project}/${dataset.path}`} className="flex flex-col gap-1">
              <div className="flex items-baseline justify-between gap-3">
                <Link
                  to="/data/$project/$path"
                  params={{ project: dataset.project, path: dataset.path }}
                  search={{}}
                  className={`${LINK} min-w-0 font-medium wrap-anywhere`}
                >
                  {dataset.path}
                </Link>
                <code className="text-xs text-ink-2" title={dataset.version}>
                  {shortened(dataset.version)}
                </code>
              </div>
              <p className="text-[0.8125rem] text-ink-3">
                {[
                  dataset.sizeBytes === null ? '' : bytes(dataset.sizeBytes),
                  dataset.files === null ? '' : counted(dataset.files, 'file'),
                  counted(dataset.versions, 'version'),
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </p>
              <p className="text-[0.8125rem] text-ink-3">
                newest <Ago time={dataset.added} />
              </p>
              <VersionsBefore versions={dataset.before} />
            </li>
          ))}
        </ul>
      )}
      {projects.map((project) => (
        <p key={project.project} className="mt-auto border-t border-line pt-3 text-xs text-ink-3">
          Project {project.project}
          {project.commit === null ? null : (
            <>
              {' '}
              at commit{' '}
              <code title={project.commit} className="text-ink-2">
                {shortened(project.commit)}
              </code>
            </>
          )}
        </p>
      ))}
    </Card>
  )
}

function VersionsBefore({ versions }: { versions: DatasetWire['before'] }) {
  if (versions.length === 0) return null
  return (
    <ol
      aria-label="Versions before it"
      className="mt-2 flex flex-col gap-1 border-l border-line pl-3"
    >
      {versions.map(({ version, added, sizeBytes }) => (
        <li key={version} className="flex justify-between gap-3 text-xs text-ink-3 tabular-nums">
          <code title={version}>{shortened(version)}</code>
          <span>{sizeBytes === null ? <Ago time={added} /> : bytes(sizeBytes)}</span>
        </li>
      ))}
    </ol>
  )
}
