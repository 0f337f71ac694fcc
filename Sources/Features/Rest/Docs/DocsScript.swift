// SPDX-License-Identifier: Apache-2.0

/// What the page at `/docs` does. Text is only ever set as text: comments in a database are not
/// this page's HTML.
enum DocsScript {
    static let source = #"""
        'use strict';
        const place = document.documentElement.dataset.document;
        const byId = id => document.getElementById(id);
        const state = { doc: null, operations: [], current: null };

        // make('p.text', 'hello', child, …)
        function make(what, ...content) {
          const [tag, ...classes] = what.split('.');
          const element = document.createElement(tag);
          if (classes.length) element.className = classes.join(' ');
          element.append(...content.filter(part => part != null));
          return element;
        }

        // `code` in text is shown as such.
        const prose = text => (text || '').split('`').map((part, index) =>
          index % 2 ? make('code', part) : part);

        function resolve(value) {
          if (!value || !value.$ref) return value || {};
          return value.$ref.slice(2).split('/').reduce((at, key) => at[key], state.doc);
        }

        function authorization() {
          const token = byId('token').value.trim();
          return token ? { Authorization: 'Bearer ' + token } : {};
        }

        async function load() {
          try {
            const response = await fetch(place, { headers: authorization() });
            const body = await response.json();
            if (!response.ok) throw new Error(body.message || response.statusText);
            show(body);
          } catch (error) {
            byId('main').replaceChildren(make('p.bad', 'No description: ' + error.message));
            byId('list').replaceChildren();
          }
        }

        function show(doc) {
          state.doc = doc;
          byId('title').textContent = document.title = doc.info.title;
          byId('about').textContent = doc.info.description || '';
          state.operations = Object.entries(doc.paths).flatMap(([path, methods]) =>
            Object.entries(methods).map(([method, operation]) => ({
              path, method: method.toUpperCase(), operation,
              parameters: (operation.parameters || []).map(resolve),
            })));
          for (const entry of state.operations) {
            entry.words = [entry.method, decodeURIComponent(entry.path), entry.operation.summary,
              entry.operation.description, ...entry.parameters.map(p => p.name)]
              .join(' ').toLowerCase();
          }
          list();
          const wanted = state.operations.find(o => '#' + o.operation.operationId === location.hash);
          open(wanted || state.operations.find(o => o.path !== '/') || state.operations[0]);
        }

        function list() {
          const words = byId('search').value.toLowerCase().split(/\s+/).filter(Boolean);
          const found = state.operations.filter(o => words.every(w => o.words.includes(w)));
          const groups = new Map();
          for (const entry of found) {
            const tag = (entry.operation.tags || ['other'])[0];
            if (!groups.has(tag)) groups.set(tag, []);
            groups.get(tag).push(entry);
          }
          const parts = [...groups].map(([tag, entries]) => make('section', make('h3', tag),
            ...entries.map(entry => {
              const button = make('button', make('span.method', entry.method),
                make('span.path', decodeURIComponent(entry.path)));
              button.title = entry.operation.summary || '';
              button.setAttribute('aria-current', entry === state.current);
              button.onclick = () => open(entry);
              return button;
            })));
          byId('list').replaceChildren(...parts.length ? parts : [make('p', 'Nothing found.')]);
        }

        function typeOf(schema) {
          schema = resolve(schema);
          if (schema['x-postgres-type']) return schema['x-postgres-type'];
          return [schema.type || ''].flat().join(' or ');
        }

        function rowSchema(entry) {
          const ok = entry.operation.responses['200'] || {};
          const schema = resolve(((ok.content || {})['application/json'] || {}).schema);
          return resolve(schema.items || schema);
        }

        function example(schema) {
          schema = resolve(schema);
          if (schema.oneOf || schema.anyOf) return example((schema.oneOf || schema.anyOf)[0]);
          if (schema.enum) return schema.enum[0];
          const type = [schema.type].flat()[0];
          if (type === 'object') {
            const required = schema.required || [];
            const names = Object.keys(schema.properties || {}).filter(
              name => !required.length || required.includes(name));
            return Object.fromEntries(names.map(name => [name, example(schema.properties[name])]));
          }
          const plain = { array: [], integer: 0, number: 0, boolean: false, string: '' };
          return type in plain ? plain[type] : null;
        }

        function open(entry) {
          if (!entry) return byId('main').replaceChildren(make('p', 'This role may do nothing.'));
          state.current = entry;
          history.replaceState(null, '', '#' + entry.operation.operationId);
          list();
          const inputs = [];
          const rows = entry.parameters.map(parameter => {
            const input = make('input');
            input.placeholder = (parameter.schema.examples || [])[0]
              || ((parameter.schema.$ref || '').endsWith('Filter') ? 'eq.…' : '');
            input.setAttribute('aria-label', parameter.name);
            input.onkeydown = event => { if (event.key === 'Enter') send(); };
            inputs.push({ parameter, input });
            const filtered = (parameter.schema.$ref || '').endsWith('Filter')
              && (rowSchema(entry).properties || {})[parameter.name];
            const kind = parameter.in === 'header' ? 'header'
              : typeOf(filtered || parameter.schema);
            return make('tr', make('td', make('code', parameter.name),
              parameter.required ? ' *' : '', make('br'), make('small', kind)),
              make('td', ...prose(parameter.description)), make('td.value', input));
          });
          const media = ((entry.operation.requestBody || {}).content || {})['application/json'];
          const body = media && make('textarea');
          if (body) {
            body.value = JSON.stringify(example(media.schema), null, 2);
            body.setAttribute('aria-label', 'Body');
            body.spellcheck = false;
          }
          const button = make('button.send', 'Send');
          const result = make('section');
          const send = () => run(entry, inputs, body, result);
          button.onclick = send;
          const columns = Object.entries(rowSchema(entry).properties || {});
          byId('main').replaceChildren(
            make('h2', make('span.method', entry.method + ' '), decodeURIComponent(entry.path)),
            make('p', ...prose(entry.operation.summary)),
            make('p.text', ...prose(entry.operation.description)),
            rows.length ? make('h3', 'Parameters') : '',
            rows.length ? make('table', ...rows) : '',
            body ? make('h3', 'Body') : '', body || '', button, result,
            columns.length ? make('h3', 'Columns') : '',
            columns.length ? make('table', ...columns.map(column)) : '',
            make('h3', 'Answers'),
            make('table', ...Object.entries(entry.operation.responses).map(([status, answer]) =>
              make('tr', make('td', make('code', status)),
                make('td', resolve(answer).description || '')))));
        }

        function column([name, schema]) {
          const to = schema['x-references'];
          const notes = [schema['x-primary-key'] && 'key', to && `→ ${to.table}.${to.column}`,
            [schema.type].flat().includes('null') ? 'or null' : ''].filter(Boolean).join(', ');
          return make('tr', make('td', make('code', name)),
            make('td', schema['x-postgres-type'] || '', make('br'), make('small', notes)),
            make('td', schema.description || '', schema.enum ? ' ' + schema.enum.join(' | ') : ''));
        }

        const quoted = text => "'" + text.replaceAll("'", "'\\''") + "'";

        async function run(entry, inputs, body, result) {
          const query = new URLSearchParams();
          const headers = authorization();
          for (const { parameter, input } of inputs) {
            if (!input.value) continue;
            if (parameter.in === 'header') headers[parameter.name] = input.value;
            else query.append(parameter.name, input.value);
          }
          if (body) headers['Content-Type'] = 'application/json';
          const base = (state.doc.servers || [{ url: '' }])[0].url.replace(/\/$/, '');
          const target = base + entry.path + (query.size ? '?' + query : '');
          const curl = ['curl -i -X ' + entry.method,
            ...Object.entries(headers).map(([name, value]) => '-H ' + quoted(name + ': '
              + (name === 'Authorization' ? 'Bearer $TOKEN' : value)))];
          if (body) curl.push('-d ' + quoted(body.value));
          curl.push(quoted(new URL(target, location.href).href));
          const parts = [make('h3', 'Request'), make('pre', curl.join(' \\\n  '))];
          const started = performance.now();
          try {
            const response = await fetch(target,
              { method: entry.method, headers, body: body ? body.value : undefined });
            const text = await response.text();
            const took = (performance.now() - started).toFixed(1);
            const status = `${response.status} ${response.statusText}, ${took} ms`;
            let pretty = text;
            try { pretty = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON */ }
            parts.push(make('h3', 'Answer'), make(response.ok ? 'p' : 'p.bad', status),
              make('pre', [...response.headers].map(pair => pair.join(': ')).join('\n')),
              make('pre', pretty.length > 200000 ? pretty.slice(0, 200000) + '…' : pretty));
          } catch (error) {
            parts.push(make('p.bad', 'No answer: ' + error.message));
          }
          result.replaceChildren(...parts);
        }

        byId('search').oninput = list;
        byId('token').value = sessionStorage.getItem('token') || '';
        byId('token').onchange = () => {
          sessionStorage.setItem('token', byId('token').value);
          load();
        };
        load();

        """#
}
