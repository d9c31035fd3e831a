/** The report's looks: of its own, for it is one file; light, dark and on paper. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1c2330;--soft:#5b6577;--line:#dfe3ea;--page:#fff;--card:#f7f8fa;--told:#2456c4;--guess:#8a5a00;--bad:#b3261e;--warn:#8a5a00;--good:#1d6f42;--h0:#eef1f5;--h1:#dbe4f3;--h2:#f6e3b4;--h3:#f0a35e;--h4:#cf4436}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#a3adbd;--line:#333b48;--page:#14181f;--card:#1c222c;--told:#8ab0ff;--guess:#e0b355;--bad:#ff8a80;--warn:#e0b355;--good:#7fd0a0;--h0:#232a35;--h1:#2c3d5c;--h2:#5c4d20;--h3:#a8622a;--h4:#d8574a}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:50rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.9rem;line-height:1.2;margin:0;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.6rem 0 .6rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:0 0 .3rem;overflow-wrap:anywhere}
h4{font-size:.8rem;margin:.9rem 0 .2rem;color:var(--soft);font-weight:600;text-transform:uppercase;letter-spacing:.04em}
p{margin:.4rem 0}.soft,.when{color:var(--soft)}.lead{font-size:1.1rem;margin:1.2rem 0 0}.lead p{margin:.35rem 0}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.9rem;margin:1.6rem 0 0}
dl.facts div{border-left:3px solid var(--line);padding-left:.7rem}dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.15rem;font-weight:600;overflow-wrap:anywhere}
article{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--warn);border-radius:6px;padding:1rem 1.1rem;margin:.9rem 0;break-inside:avoid}
article.critical{border-left-color:var(--bad)}article.over{border-left-color:var(--line)}
article p,li,td{overflow-wrap:anywhere}
.badge{display:inline-block;font-size:.78rem;font-weight:600;border:1px solid currentColor;border-radius:1rem;padding:0 .55rem;margin-right:.5rem;vertical-align:.08rem}
.critical .badge{color:var(--bad)}.warning .badge{color:var(--warn)}
ol,ul{margin:.2rem 0;padding-left:1.3rem}li{margin:.2rem 0}
.share{display:inline-block;min-width:3rem;font-variant-numeric:tabular-nums;font-weight:600}
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--soft);font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.wide{overflow-x:auto}
figure{margin:1rem 0;break-inside:avoid}figcaption{font-weight:600;font-size:.95rem;margin-bottom:.2rem}figcaption span{font-weight:400;color:var(--soft)}
svg{display:block;width:100%;height:auto;font:11px system-ui,sans-serif}
svg text{fill:var(--soft)}svg .name{fill:var(--ink)}
.grid{stroke:var(--line)}.limit{stroke:var(--bad);stroke-dasharray:5 4}
path.told{fill:none;stroke:var(--told);stroke-width:1.8}path.guess{fill:none;stroke:var(--guess);stroke-width:1.6;stroke-dasharray:2 3}
circle.told{fill:var(--told)}circle.guess{fill:var(--guess)}
.sure{stroke-width:5;opacity:.22}.sure.told{stroke:var(--told)}.sure.guess{stroke:var(--guess)}
.bar{fill:var(--told);opacity:.75}
.h0{fill:var(--h0)}.h1{fill:var(--h1)}.h2{fill:var(--h2)}.h3{fill:var(--h3)}.h4{fill:var(--h4)}
.key{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;vertical-align:-.05rem;margin:0 .25rem 0 .7rem}
.k0{background:var(--h0)}.k2{background:var(--h2)}.k3{background:var(--h3)}.k4{background:var(--h4)}
footer{margin-top:3rem;color:var(--soft);font-size:.85rem}
@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--line:#bbb;--page:#fff;--card:#fff;--told:#1d4ba8;--guess:#7a5000;--bad:#a3201a;--warn:#7a5000;--h0:#eef1f5;--h1:#dbe4f3;--h2:#f6e3b4;--h3:#f0a35e;--h4:#cf4436}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}body{font-size:10.5pt}main{max-width:none;padding:0}h2,h3{break-after:avoid}tr{break-inside:avoid}@page{margin:16mm}}
`
