import { Braces, Terminal } from 'lucide-react'
import type { RunWire } from '#web/api/run.ts'
import { Card } from '#web/ui/card.tsx'
import { CodeBlock } from '#web/ui/command.tsx'
import { codeFor } from './code.ts'

/** The run as the server tells it, and the lines that read it. */
export function Raw({ run }: { run: RunWire }) {
  return (
    <div className="grid grid-cols-1 gap-4">
      <Card id="code" title="As code" Icon={Terminal}>
        <CodeBlock
          name="Python that reads the run"
          text={codeFor(run, window.location.origin)}
          copy="Copy as code"
        />
      </Card>
      <Card
        id="json"
        title="As JSON"
        Icon={Braces}
        aside={
          <a
            href={`/api/2.0/mlflow/runs/get?run_id=${encodeURIComponent(run.info.run_id)}`}
            className="text-xs text-accent underline underline-offset-2"
          >
            its address
          </a>
        }
      >
        <CodeBlock name="The run as JSON" text={JSON.stringify(run, null, 2)} copy="Copy JSON" />
      </Card>
    </div>
  )
}
