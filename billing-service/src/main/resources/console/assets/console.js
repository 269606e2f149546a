/* What the server cannot know: the reader's language and time zone; and what has to move: charts, a live timeline, line numbers. */
'use strict';

(() => {
  /* as exact as its size asks for; in a column all alike, so that the digits stand under each other */
  const money = (micro, signed, digits) => {
    const dollars = Number(micro) / 1e6;
    const cents = Math.abs(micro % 10000) === 0;
    return new Intl.NumberFormat(undefined, {
      style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', signDisplay: signed ? 'exceptZero' : 'auto',
      minimumFractionDigits: digits || 2, maximumFractionDigits: digits ? digits : cents ? 2 : Math.abs(dollars) >= 1 ? 4 : 6,
    }).format(dollars);
  };
  const number = value => new Intl.NumberFormat().format(Number(value));
  const times = {
    time: { dateStyle: 'medium', timeStyle: 'short' },
    seconds: { dateStyle: 'medium', timeStyle: 'medium' },
    day: { dateStyle: 'medium' },
  };
  /* a day of UTC is that day everywhere */
  const day = (text, style) => new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', ...style }).format(new Date(text + 'T00:00:00Z'));

  const each = (root, selector, action) => {
    if (root.matches && root.matches(selector)) action(root);
    root.querySelectorAll(selector).forEach(action);
  };

  const write = root => {
    each(root, 'data.money', e => {
      e.textContent = money(e.value, e.classList.contains('signed'), Number(e.dataset.digits));
      e.title = money(e.value, false, 6);
    });
    each(root, 'data.number', e => { e.textContent = number(e.value); });
    each(root, 'time[datetime]', e => {
      const at = e.getAttribute('datetime');
      if (e.dataset.style === 'date') {
        e.textContent = day(at, { dateStyle: 'medium' });
      } else if (at) {
        const moment = new Date(at);
        e.textContent = new Intl.DateTimeFormat(undefined, times[e.dataset.style || 'time']).format(moment);
        e.title = moment.toISOString();
      }
    });
  };

  /* a chart draws the table that stands under it, which is what a screen reader reads */
  const drawn = new Map();
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const draw = figure => {
    if (!window.Chart) return;
    const rows = [...figure.querySelectorAll('tbody tr')];
    const names = [...figure.querySelectorAll('thead th')].slice(1).map(e => e.textContent);
    const line = figure.dataset.chart === 'line';
    const unit = figure.dataset.unit;
    const shown = value => (unit === 'usd' ? money(value) : number(value));
    /* on an axis: as many digits as tell two neighbours apart */
    const short = (value, index, ticks) => {
      if (unit !== 'usd') return new Intl.NumberFormat(undefined, { notation: 'compact' }).format(value);
      const step = ticks.length > 1 ? Math.abs(ticks[1].value - ticks[0].value) / 1e6 : 1;
      const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step || 1))));
      return new Intl.NumberFormat(undefined, {
        style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', minimumFractionDigits: digits, maximumFractionDigits: digits,
      }).format(value / 1e6);
    };
    const colours = [colour('--accent'), colour('--second')];
    const grid = colour('--line');
    const muted = colour('--muted');
    const old = drawn.get(figure);
    if (old) old.destroy();
    drawn.set(figure, new window.Chart(figure.querySelector('canvas'), {
      type: line ? 'line' : 'bar',
      data: {
        labels: rows.map(row => row.querySelector('th').textContent),
        datasets: names.map((name, i) => ({
          label: name,
          data: rows.map(row => row.querySelectorAll('td')[i].dataset.value).map(value => (value === undefined ? null : Number(value))),
          backgroundColor: colours[i], borderColor: colours[i], borderWidth: line ? 2 : 0, borderRadius: 2,
          pointRadius: 0, pointHitRadius: 12, stepped: false, tension: 0, maxBarThickness: 18,
        })),
      },
      options: {
        animation: false, responsive: true, maintainAspectRatio: false,
        interaction: { mode: 'index', intersect: false },
        plugins: {
          legend: { display: names.length > 1, align: 'end', labels: { color: muted, boxWidth: 10, boxHeight: 10 } },
          tooltip: {
            callbacks: {
              title: items => day(items[0].label, { dateStyle: 'medium' }),
              label: item => ' ' + (names.length > 1 ? item.dataset.label + ': ' : '') + (item.raw === null ? '–' : shown(item.raw)),
            },
          },
        },
        scales: {
          x: {
            stacked: !line, grid: { display: false }, border: { color: grid },
            ticks: { color: muted, maxRotation: 0, autoSkipPadding: 24, callback(value) { return day(this.getLabelForValue(value), { month: 'short', day: 'numeric' }); } },
          },
          y: {
            stacked: !line, beginAtZero: !line, border: { display: false }, grid: { color: grid },
            ticks: { color: muted, maxTicksLimit: 5, precision: 0, callback: short },
          },
        },
      },
    }));
  };
  const drawAll = () => {
    if (window.Chart) window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    document.querySelectorAll('[data-chart]').forEach(draw);
  };

  /* the timeline: slots come as HTML; at the end of a turn the stream ends, and is asked for again in a moment */
  const watch = list => {
    let last = Number(list.dataset.last);
    const live = document.getElementById('live');
    const say = (text, on) => { live.textContent = text; live.classList.toggle('on', on); };
    const refresh = async () => {
      const answer = await fetch(list.dataset.page, { headers: { 'X-Requested-With': 'fetch' } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      ['state', 'facts'].forEach(id => {
        const fresh = page.getElementById(id);
        if (fresh) {
          document.getElementById(id).replaceChildren(...document.importNode(fresh, true).childNodes);
          write(document.getElementById(id));
        }
      });
      const button = document.querySelector('#cancel button');
      const freshButton = page.querySelector('#cancel button');
      if (button && freshButton) button.disabled = freshButton.disabled;
    };
    const SHORTEST = 2000;
    const LONGEST = 30000;
    let pause = SHORTEST;
    let changed = true;
    const open = () => {
      const events = new EventSource(list.dataset.events + '?after=' + last);
      events.addEventListener('open', () => say('live', true));
      events.addEventListener('slot', event => {
        const sequence = Number(event.lastEventId);
        if (sequence <= last) return;
        last = sequence;
        changed = true;
        pause = SHORTEST;
        const gone = document.getElementById('no-slots');
        if (gone) gone.remove();
        list.insertAdjacentHTML('beforeend', event.data);
        write(list.lastElementChild);
      });
      events.addEventListener('done', () => {
        events.close();
        say('up to date', false);
        if (changed) refresh();
        changed = false;
        again();
      });
      events.addEventListener('error', () => {
        events.close();
        say('reconnecting', false);
        again();
      });
    };
    /* the longer nothing happens, the seldomer it is asked */
    const again = () => {
      setTimeout(() => {
        if (document.hidden) document.addEventListener('visibilitychange', open, { once: true }); else open();
      }, pause);
      pause = Math.min(pause * 2, LONGEST);
    };
    open();
  };

  /* line numbers beside the text, red where the check found something */
  const editor = area => {
    const gutter = document.querySelector('.gutter');
    const number = () => {
      const lines = area.value.split('\n').length;
      while (gutter.children.length < lines) gutter.append(Object.assign(document.createElement('div'), { textContent: gutter.children.length + 1 }));
      while (gutter.children.length > lines) gutter.lastElementChild.remove();
      const wrong = new Set([...document.querySelectorAll('.finding')].map(e => Number(e.dataset.line)));
      [...gutter.children].forEach((e, i) => e.classList.toggle('wrong', wrong.has(i + 1)));
      fit();
    };
    const fit = () => {
      gutter.style.height = area.offsetHeight + 'px';
      gutter.scrollTop = area.scrollTop;
    };
    area.addEventListener('input', number);
    area.addEventListener('scroll', fit);
    new ResizeObserver(fit).observe(area);
    document.addEventListener('htmx:afterSettle', number);
    document.addEventListener('click', event => {
      const button = event.target.closest('button.line');
      if (!button) return;
      const lines = area.value.split('\n');
      const line = Math.min(Number(button.dataset.line), lines.length);
      const from = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
      area.focus();
      area.setSelectionRange(from, from + lines[line - 1].length);
      area.scrollTop = (area.scrollHeight / lines.length) * Math.max(0, line - 6);
    });
    number();
  };

  document.addEventListener('submit', event => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });
  document.addEventListener('click', event => {
    const copy = event.target.closest('[data-copy]');
    if (copy) {
      const field = document.querySelector(copy.dataset.copy);
      field.select();
      navigator.clipboard.writeText(field.value).then(() => { copy.textContent = 'Copied'; }, () => { copy.textContent = 'Press Ctrl-C'; });
    }
    const fill = event.target.closest('[data-fill]');
    if (fill) document.querySelector(fill.dataset.fill).value = fill.dataset.value;
  });

  write(document.body);
  drawAll();
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  document.addEventListener('htmx:afterSwap', event => write(event.detail.target.isConnected ? event.detail.target : document.body));
  document.querySelectorAll('[data-events]').forEach(watch);
  document.querySelectorAll('.text textarea').forEach(editor);
  document.querySelectorAll('[data-go]').forEach(link => window.location.assign(link.href));
  /* on a phone the menu begins closed */
  if (window.matchMedia('(max-width: 760px)').matches) document.querySelectorAll('.menu').forEach(menu => { menu.open = false; });
})();
