// Runs once for each explorer, in the page, when its hidden 1-pixel image has loaded.
// It mends what the core widgets lack: names for sliders, arrow keys, a live status line, copying.
(function start(image) {
  const root = image.closest('.labkit-explorer');
  if (!root) { requestAnimationFrame(() => start(image)); return; } // not in the page yet
  if (root.labkitMended) return;
  root.labkitMended = true;

  const set = (node, name, value) => {
    if (node && node.getAttribute(name) !== value) node.setAttribute(name, value);
  };
  const label = (box) => (box.querySelector('.widget-label')?.textContent ?? '').trim();

  function mend() {
    for (const box of root.querySelectorAll('.widget-slider')) {
      const readout = box.querySelector('.widget-readout');
      const handle = box.querySelector('.noUi-handle');
      set(handle, 'aria-label', label(box));
      if (readout) set(handle, 'aria-valuetext', readout.textContent); // not rounded, not a logarithm
      set(readout, 'role', 'textbox');
      set(readout, 'aria-label', label(box) + ', type a value');
    }
    for (const box of root.querySelectorAll('.widget-toggle-buttons')) {
      if (!box.classList.contains('widget-inline-hbox')) { // add() would count as a change each time
        box.classList.add('jupyter-widgets', 'widget-inline-hbox'); // label beside the buttons
      }
      set(box, 'role', 'group');
      set(box, 'aria-label', label(box));
      for (const button of box.querySelectorAll('button')) {
        set(button, 'aria-pressed', String(button.classList.contains('mod-active')));
      }
    }
    set(root.querySelector('.labkit-status .widget-html-content'), 'role', 'status');
    const details = root.querySelector('.labkit-texts details');
    if (details) details.open = root.labkitOpen === true; // its HTML is new after every change
  }
  mend();
  new MutationObserver(mend).observe(root, {
    subtree: true, childList: true, characterData: true,
    attributes: true, attributeFilter: ['class', 'aria-valuenow'],
  });

  // JupyterLab takes plain keys for its own shortcuts: arrows would leave the cell, "d d" delete it.
  root.addEventListener('keydown', (event) => {
    const forLab = event.ctrlKey || event.metaKey || event.altKey || event.key === 'Escape'
      || (event.shiftKey && event.key === 'Enter');
    if (!forLab) event.stopPropagation();
  });

  root.addEventListener('toggle', (event) => {
    if (event.target.matches('.labkit-texts details')) root.labkitOpen = event.target.open;
  }, true);

  root.addEventListener('click', async (event) => {
    const button = event.target.closest('.labkit-copy');
    if (!button) return;
    const said = root.querySelector('.labkit-copied');
    try {
      await navigator.clipboard.writeText(button.dataset.text);
      said.textContent = 'Copied.';
    } catch (error) { // no clipboard here (plain http, or not allowed): show the text to select
      root.labkitOpen = root.querySelector('.labkit-texts details').open = true;
      said.textContent = 'This browser does not let the page copy; select the text below.';
    }
  });
})
