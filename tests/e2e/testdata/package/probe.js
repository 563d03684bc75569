// What a package may do, and what it must not: each is tried, and what came of it is told to the page around, again and again.
const told = { script: 'ran' };
let elsewhere = '';
const list = document.querySelector('#told');

const say = (what, came) => {
  told[what] = came;
  list.dataset[what.replace(/[^a-z]/gi, '').toLowerCase()] = came;
  const line = document.createElement('li');
  line.textContent = what + ': ' + came;
  list.append(line);
};
const attempt = async (what, tried) => {
  try {
    const came = await Promise.race([tried(), new Promise(done => setTimeout(() => done('refused: nothing came'), 3000))]);
    say(what, came);
  } catch (fault) {
    say(what, 'refused: ' + (fault.name || fault.type || fault));
  }
};
// loads resolves with "loaded" where an element comes, and rejects where it does not.
const loads = (name, attributes) => new Promise((done, fail) => {
  const element = document.createElement(name);
  element.onload = () => done('loaded');
  element.onerror = () => fail(new Error('error'));
  Object.assign(element, attributes);
  document.head.append(element);
});

const all = async () => {
  const dot = document.querySelector('#dot');
  await attempt('picture', async () => { await dot.decode(); return dot.naturalWidth === 1 ? 'loaded' : 'not there' });
  let where = {};
  await attempt('own', async () => { where = await (await fetch('where.json')).json(); return where.tenant ? 'read' : 'not there' });
  await attempt('module', () => new Promise((done, fail) => {
    const script = document.createElement('script');
    script.type = 'module';
    script.src = 'probe.js?again';
    window.again = () => done('ran');
    script.onerror = () => fail(new Error('error'));
    document.head.append(script);
  }));
  const { tenant, stranger } = where;
  elsewhere = stranger;

  await attempt("parent's document", async () => parent === self ? 'refused: there is none' : parent.document.title);
  await attempt("parent's cookies", async () => parent === self ? 'refused: there is none' : 'read ' + parent.document.cookie);
  await attempt("parent's storage", async () => parent === self ? 'refused: there is none' : 'read ' + parent.localStorage.getItem('secret'));
  await attempt('cookies', async () => { document.cookie = 'a=b'; return 'set ' + document.cookie });
  await attempt('localStorage', async () => { localStorage.setItem('a', 'b'); return 'set' });
  await attempt('sessionStorage', async () => { sessionStorage.setItem('a', 'b'); return 'set' });
  await attempt('indexedDB', () => new Promise((done, fail) => { const asked = indexedDB.open('a'); asked.onsuccess = () => done('open'); asked.onerror = () => fail(asked.error) }));
  await attempt('caches', async () => { await caches.open('a'); return 'open' });
  await attempt('service worker', async () => { await navigator.serviceWorker.register('probe.js'); return 'registered' });
  await attempt("tenant's API", async () => 'status ' + (await fetch(tenant + '/api/v1/me', { credentials: 'include', mode: 'no-cors' })).type);
  await attempt("tenant's picture", () => loads('img', { src: tenant + where.picture }));
  await attempt("tenant's script", () => loads('script', { src: tenant + where.script }));
  await attempt('top', async () => { if (parent === self) return 'refused: it is the top itself'; top.location.href = stranger + '/top'; return 'led away' });
  await attempt('top of the same', async () => { if (parent === self) return 'refused: it is the top itself'; top.location.hash = 'led'; return 'led away' });
  await attempt('popup', async () => open(stranger + '/popup') ? 'opened' : 'refused');
  await attempt('dialog', async () => { const began = performance.now(); alert('hello'); return performance.now() - began > 50 ? 'shown' : 'refused: it is passed over' });
  await attempt("stranger's answer", async () => 'type ' + (await fetch(stranger + '/fetch', { mode: 'no-cors' })).type);
  await attempt("stranger's picture", () => loads('img', { src: stranger + '/picture' }));
  await attempt("stranger's script", () => loads('script', { src: stranger + '/script' }));
  await attempt("stranger's style", () => loads('link', { rel: 'stylesheet', href: stranger + '/style' }));
  await attempt("stranger's socket", () => new Promise((done, fail) => { const socket = new WebSocket(stranger.replace('http', 'ws') + '/socket'); socket.onopen = () => done('open'); socket.onerror = () => fail(new Error('error')) }));
  await attempt("stranger's beacon", async () => { navigator.sendBeacon(stranger + '/beacon', 'x'); await new Promise(done => setTimeout(done, 300)); return 'refused, unless the stranger heard of it' });
  await attempt("stranger's frame", () => new Promise(done => {
    const frame = document.createElement('iframe');
    frame.src = stranger + '/frame';
    document.body.append(frame);
    setTimeout(() => done('refused, unless the stranger heard of it'), 300);
  }));
  await attempt('form', () => new Promise(done => {
    const form = document.createElement('form');
    form.action = stranger + '/form';
    form.method = 'post';
    document.body.append(form);
    form.submit();
    setTimeout(() => done('refused, unless the stranger heard of it'), 300);
  }));
  await attempt('inline script', async () => window.inline ? 'ran' : 'refused');
  await attempt('eval', async () => 'ran ' + eval('1 + 1'));
  await attempt('camera', async () => document.featurePolicy.allowsFeature('camera') ? 'allowed' : 'refused');
  told.done = true;
  list.dataset.done = 'true';
};

if (window.again) {
  window.again();
} else {
  addEventListener('message', event => {
    if (event.data === 'leave') {
      told.left = true;
      parent.postMessage(told, '*');
      location.href = elsewhere + '/left';
    }
  });
  setInterval(() => parent !== self && parent.postMessage(told, '*'), 200);
  all();
}
