// Swagger UI on the description that the page names; who is signed in sends the page's token along.
"use strict";

const place = document.getElementById("swagger");
window.SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  // Its online validator would tell another server what runs here.
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = place.dataset.csrf;
    return request;
  },
});
