const WIDTH = 200
const HEIGHT = 36

/** The shape of the last values; the numbers themselves stand beside it. */
export function Sparkline({ values, places }: { values: readonly number[]; places: number }) {
  const highest = Math.max(1e-9, ...values)
  const points = values.map((value, index) => {
    const x = ((places - values.length + index) / (places - 1)) * WIDTH
    const y = HEIGHT - 2 - (value / highest) * (HEIGHT - 6)
    return `${x.toFixed(1)} ${y.toFixed(1)}`
  })
  const line = points.length < 2 ? `M0 ${HEIGHT - 2}H${WIDTH}` : `M${points.join('L')}`
  const start = (points[0] ?? '0 0').split(' ')[0]
  return (
    <svg
      aria-hidden
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className="h-9 w-full text-chart-auc"
    >
      {points.length < 2 ? null : (
        <path
          d={`${line}L${WIDTH} ${HEIGHT}L${start} ${HEIGHT}Z`}
          fill="currentColor"
          opacity={0.1}
        />
      )}
      <path
        d={line}
        fill="none"
        stroke="currentColor"
        strokeWidth={1.5}
        vectorEffect="non-scaling-stroke"
        opacity={points.length < 2 ? 0.3 : 1}
      />
    </svg>
  )
}
